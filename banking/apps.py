from django.apps import AppConfig


class BankingConfig(AppConfig):
    """What banks know of a company, and companies to try the project with."""

    name = "banking"

    def ready(self) -> None:
        """Connect the receivers."""
        from banking import receivers  # noqa: F401
