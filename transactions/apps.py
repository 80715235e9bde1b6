from django.apps import AppConfig


class TransactionsConfig(AppConfig):
    """The two-account transaction, its states and its history."""

    name = "transactions"

    def ready(self) -> None:
        """Connect the receivers."""
        from transactions import receivers  # noqa: F401
