"""How fast the books are, against floors that do the same durable work: `python -m bench --help`."""
