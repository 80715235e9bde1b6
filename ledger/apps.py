from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Developers, keys, companies and their books; the plumbing that every other app stands on."""

    name = "ledger"

    def ready(self) -> None:
        """Register the system checks, and connect the record of log-ins."""
        from ledger import checks, log_ins  # noqa: F401
