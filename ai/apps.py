from django.apps import AppConfig


class AiConfig(AppConfig):
    """What is suggested, found and answered from the books; nothing below knows of it."""

    name = "ai"

    def ready(self) -> None:
        """Connect the receivers."""
        from ai import receivers  # noqa: F401
        from ai.categories import receivers as category_receivers  # noqa: F401
