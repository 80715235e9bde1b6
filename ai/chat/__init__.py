"""Questions in plain language: read into a typed query, answered from the database alone."""
