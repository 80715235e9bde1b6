"""What banking knows of a transaction, for its page: bank lines and statements."""

from typing import Any, Final
from uuid import UUID

from django.dispatch import receiver
from django.urls import reverse

from ledger.db import compact, fetch
from ledger.ids import Prefix, encode_id
from ledger.models import Entity
from ledger.templatetags.office import day
from transactions.office.facts import Fact, transaction_facts

_LINES: Final = compact("""
SELECT l.id, l.date, l.description, b.name, b.mask, l.status, l.attention
FROM banking_bankline l
JOIN banking_bankaccount b ON b.entity_id = l.entity_id AND b.id = l.bank_account_id
WHERE l.entity_id = %(entity)s::uuid AND l.id IN (
    SELECT k.line_id FROM banking_linelink k
    WHERE k.entity_id = %(entity)s::uuid AND k.transaction_id = %(id)s::uuid
    UNION SELECT o.id FROM banking_bankline o
    WHERE o.entity_id = %(entity)s::uuid AND o.offered_transaction_id = %(id)s::uuid
)
ORDER BY l.date, l.id
""")
_STATEMENTS: Final = compact("""
SELECT r.id, r.statement_date, r.status, b.name FROM banking_reconciledtransaction i
JOIN banking_reconciliation r ON r.entity_id = i.entity_id AND r.id = i.reconciliation_id
JOIN banking_bankaccount b ON b.entity_id = r.entity_id AND b.id = r.bank_account_id
WHERE i.entity_id = %(entity)s::uuid AND i.transaction_id = %(id)s::uuid
ORDER BY r.statement_date, r.id
""")


@receiver(transaction_facts, dispatch_uid="banking.transaction_facts")
def on_transaction_facts(sender: object, *, entity: Entity, transaction_id: UUID, **more: Any) -> list[Fact]:
    """The bank lines that it stands for or is offered to, and the statements that it is on; two queries."""
    parameters = {"entity": entity.id, "id": transaction_id}
    lines = [_line(entity, *row) for row in fetch(_LINES, parameters)]
    return [*lines, *(_statement(entity, *row) for row in fetch(_STATEMENTS, parameters))]


def _line(
    entity: Entity, id_: UUID, on: Any, text: str, bank: str, mask: str, status: str, attention: str
) -> Fact:
    account = f"{bank} ••{mask}" if mask else bank
    told = f"{day(on)}, {account}: {text}" + (f" ({attention})" if attention else "")
    if status == "offered":
        page = {"company": entity.public_id, "id": encode_id(Prefix.BANK_LINE, id_)}
        return Fact("Offered to the bank line", told, reverse("office:review-one", kwargs=page))
    return Fact("Bank line", told, reverse("admin:banking_bankline_change", args=[id_]))


def _statement(entity: Entity, id_: UUID, on: Any, status: str, bank: str) -> Fact:
    page = {"company": entity.public_id, "id": encode_id(Prefix.RECONCILIATION, id_)}
    return Fact(
        "Bank statement",
        f"{bank}, {day(on)} ({status})",
        reverse("office:reconciliation", kwargs=page),
    )
