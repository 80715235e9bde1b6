from django.apps import AppConfig


class BankingConfig(AppConfig):
    """What banks know of a company, and companies to try the project with."""

    name = "banking"
