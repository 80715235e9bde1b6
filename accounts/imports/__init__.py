"""Reading charts of accounts: templates, CSV and XLSX files, and rows sent as JSON."""
