from django.apps import AppConfig


class BankingConfig(AppConfig):
    """What banks know of a company, and companies to try the project with."""

    name = "banking"

    def ready(self) -> None:
        """Connect the receivers, and make the providers known."""
        from banking import account_receivers, receivers, verification  # noqa: F401
        from banking.choices import ProviderName
        from banking.integrations import checks as integration_checks  # noqa: F401
        from banking.office import facts  # noqa: F401
        from banking.providers.base import register_provider
        from banking.providers.plaid import checks  # noqa: F401
        from banking.reconciliation import receivers as reconciliation_receivers  # noqa: F401
        from banking.reconciliation import verification as reconciliation_verification  # noqa: F401

        register_provider(ProviderName.PLAID, "banking.providers.plaid.PlaidProvider")
        register_provider(ProviderName.SANDBOX, "banking.providers.sandbox.SandboxProvider")
