from django.apps import AppConfig


class TransactionsConfig(AppConfig):
    name = "transactions"

    def ready(self) -> None:
        """Connect the receivers."""
        from transactions import receivers  # noqa: F401
