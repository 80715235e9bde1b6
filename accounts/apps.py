from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The chart of accounts and the totals beside it."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the receivers."""
        from accounts import receivers  # noqa: F401
