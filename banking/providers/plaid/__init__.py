"""Plaid, which connects to banks: https://plaid.com/docs/api/, version 2020-09-14."""

from banking.providers.plaid.provider import PlaidProvider

__all__ = ["PlaidProvider"]
