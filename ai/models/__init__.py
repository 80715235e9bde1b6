"""What the models of this app keep of a company; all of it can be computed again from the books."""

__all__: list[str] = []
