"""The statements, as data: pure functions from cut books to frozen dataclasses.

JSON, PDF, spreadsheets and exports all render these, so that no two of them can show different figures.
"""
