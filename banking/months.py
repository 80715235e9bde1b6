"""What each month changed in each bank account."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from django.db.models import F, Sum

from accounts.models import AccountMonth
from banking.querysets import bank_accounts, is_known_without_banks
from ledger.models import Entity
from transactions.months import BankAccountChange


def bank_account_changes(entity: Entity) -> Mapping[date, list[BankAccountChange]]:
    """What the books moved on each bank account, by the months' first days: above zero where it rose, so a
    purchase on a card is below. Two queries; none where the company is known to have no bank accounts."""
    if is_known_without_banks(entity):
        return {}
    accounts = {
        account.ledger_account_id: account
        for account in bank_accounts(entity)
        .filter(currency=entity.default_currency)
        .prefetch_related(None)  # the connections are not shown
    }
    if not accounts:
        return {}
    changes = (
        AccountMonth.objects.filter(entity_id=entity.id, account_id__in=accounts)
        .order_by()
        .values_list("account_id", "month")
        .annotate(
            delta=Sum(F("debits_pending") + F("debits_posted") - F("credits_pending") - F("credits_posted"))
        )
    )
    found: defaultdict[date, list[BankAccountChange]] = defaultdict(list)
    for account_id, month, delta in changes:
        account = accounts[account_id]
        found[month].append(BankAccountChange(account.public_id, account.name, account.mask or None, delta))
    order = {account.public_id: place for place, account in enumerate(accounts.values())}
    return {month: sorted(rows, key=lambda row: order[row.id]) for month, rows in found.items()}
