"""What a company looks like, for the API's description."""

from typing import Any, Final

from ledger.api.schema import example_id

SETTINGS: Final[dict[str, Any]] = {
    "smart_suggestions": True,
    "smart_assistant": True,
    "smart_summary": False,
    "notification_frequency": "NEVER",
    "accounting_method": "ACCRUAL",
    "fiscal_year_start": 1,
    "default_currency": "USD",
    "timezone": "America/New_York",
    "books_closed_through": None,
}
NEW_ENTITY: Final[dict[str, Any]] = {
    "developerId": example_id("dev"),
    "externalId": "customer-4711",
    "legalName": "Corner Bakery LLC",
    "tin": "12-3456789",
    "usState": "DE",
    "entityType": "LLC",
    "phoneNumber": "+1 302 555 0100",
    "address": {"street": "1 Main St", "city": "Dover", "state": "DE", "zip": "19901", "country": "US"},
    "settings": {"timezone": "America/New_York"},
}
ENTITY: Final[dict[str, Any]] = {
    "id": example_id("entity"),
    "externalId": "customer-4711",
    "legalName": "Corner Bakery LLC",
    "name": "Corner Bakery LLC",
    "tin": "12-3456789",
    "usState": "DE",
    "entityType": "LLC",
    "phoneNumber": "+1 302 555 0100",
    "developerId": example_id("dev"),
    "clerkId": None,
    "dateCreated": None,
    "createdAt": "2024-01-15T12:00:00Z",
    "updatedAt": "2024-01-15T12:00:00Z",
    "status": "ACTIVE",
    "instanceId": None,
    "website": None,
    "address": NEW_ENTITY["address"],
    "settings": SETTINGS,
}
