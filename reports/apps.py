from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Financial statements, computed from the totals that the posting engine keeps. Only reads."""

    name = "reports"
