"""What people mean by words in books: groups of words and names that belong together (`groups.toml`)."""
