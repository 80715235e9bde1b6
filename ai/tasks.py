"""Background work of this app, loaded by the worker."""
