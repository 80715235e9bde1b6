"""Statement files: what banks let people download, read line by line and stored once."""
