"""How a question is read: each file knows one kind of words, `parser` puts them together.

Whatever a reader understands it takes out of the prompt. What is left at the end was not understood, and the
answer says so.
"""
