"""Agreeing the books with bank statements, to the cent."""
