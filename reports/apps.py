from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Financial statements, computed from the totals that the posting engine keeps. Only reads."""

    name = "reports"

    def ready(self) -> None:
        """Register the statements' identities with the checks of the books."""
        from reports import identities  # noqa: F401
