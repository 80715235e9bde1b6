"""How accounts, balances, imports and categories go out."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from accounts.balances import Balance, BalanceWithChildren
from accounts.chart_templates import ChartTemplate
from accounts.financial_types import is_cash
from accounts.models import Account, AccountImport
from ledger.ids import Prefix, encode_id, encode_optional_id
from ledger.models import Entity
from ledger.money import as_text
from ledger.times import format_timestamp


def account_out(account: Account) -> dict[str, Any]:
    """Return an account as the API shows it, in snake_case."""
    return {
        "id": encode_id(Prefix.ACCOUNT, account.id),
        "name": account.name,
        "type": account.type,
        "financial_type": account.financial_type,
        "sub_type": account.sub_type,
        "sub_type_code": account.sub_type_code,
        "entity_id": encode_id(Prefix.ENTITY, account.entity_id),
        "ledger_id": encode_id(Prefix.LEDGER, account.ledger_id),
        "parent_account_id": encode_optional_id(Prefix.ACCOUNT, account.parent_id),
        "top_level": account.parent_id is None,
        "metadata": account.metadata,
        "created_at": format_timestamp(account.created_at),
        "updated_at": format_timestamp(account.updated_at),
    }


def balance_out(found: BalanceWithChildren, *, timestamp: datetime, as_of: date) -> dict[str, Any]:
    """Return a balance as the API shows it: strings with the currency's minor digits."""
    currency, total = found.currency, found.total
    return {
        "account_id": encode_id(Prefix.ACCOUNT, total.account_id),
        "balance": {
            "debits_pending": as_text(total.sums.debits_pending, currency),
            "debits_posted": as_text(total.sums.debits_posted, currency),
            "credits_pending": as_text(total.sums.credits_pending, currency),
            "credits_posted": as_text(total.sums.credits_posted, currency),
            "timestamp": format_timestamp(timestamp),
        },
        "net_balance": as_text(total.net, currency),
        "currency": currency,
        "as_of": as_of.isoformat(),
        "child_account_balances": [_child_balance_out(child, currency) for child in found.children],
    }


def _child_balance_out(child: Balance, currency: str) -> dict[str, Any]:
    return {
        "account_id": encode_id(Prefix.ACCOUNT, child.account_id),
        "balance": {
            "debits_posted": as_text(child.sums.debits_posted, currency),
            "credits_posted": as_text(child.sums.credits_posted, currency),
            "net_balance": as_text(child.net, currency),
        },
    }


def import_out(done: AccountImport) -> dict[str, Any]:
    """Return what became of an import."""
    return {
        "import_id": encode_id(Prefix.IMPORT, done.id),
        "status": done.status,
        "accounts_created": done.accounts_created,
        "accounts_skipped": done.accounts_skipped,
        "errors": done.errors,
    }


def templates_out(templates: Iterable[ChartTemplate]) -> dict[str, Any]:
    """Return the list of the ready-made charts."""
    return {
        "data": [
            {
                "id": template.id,
                "name": template.name,
                "description": template.description,
                "accounts_count": len(template.accounts),
            }
            for template in templates
        ]
    }


def category_out(account: Account, entity: Entity) -> dict[str, Any]:
    """Return an account as a category, in camelCase.

    A category is whatever the other side of a movement of cash can be: every account but cash itself.
    """
    return {
        "id": encode_id(Prefix.ACCOUNT, account.id),
        "instanceId": entity.instance_id,
        "parentAccountId": encode_optional_id(Prefix.ACCOUNT, account.parent_id),
        "name": account.name,
        "type": account.type,
        "financialType": account.financial_type,
        "isCategory": not is_cash(account.financial_type or ""),
        "code": account.sub_type_code,
        "subTypeCode": account.sub_type_code,
        # Two ids of the reference service's own stores, which we don't have.
        "tbAccountId": None,
        "templateNodeId": None,
        "ledgerId": encode_id(Prefix.LEDGER, account.ledger_id),
        "entityId": encode_id(Prefix.ENTITY, account.entity_id),
        "createdAt": format_timestamp(account.created_at),
        "updatedAt": format_timestamp(account.updated_at),
        "topLevel": account.parent_id is None,
        "metadata": account.metadata,
    }


def new_category_out(account: Account) -> dict[str, Any]:
    """Return an account that was just made as a category."""
    return {
        "category": {
            "id": encode_id(Prefix.ACCOUNT, account.id),
            "name": account.name,
            "type": account.type,
            "entityId": encode_id(Prefix.ENTITY, account.entity_id),
            "subTypeCode": account.sub_type_code,
        }
    }
