"""Which account a transaction belongs to: what is suggested, how sure that is, and why."""
