"""The cast of the tests of reconciliation: a bakery with a checking account and a card at a bank."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from accounts.models import Account
from accounts.tests.conftest import make_account
from banking.choices import LineStatus, LinkKind
from banking.models import BankAccount, BankLine, LineLink, ReconciledTransaction, Reconciliation
from banking.reconciliation import matching, services
from banking.reconciliation.statements import Statement, find_statement, read_cleared
from ledger.actors import SYSTEM
from ledger.ids import Prefix, encode_id, new_id
from transactions.choices import Status
from transactions.models import Transaction
from transactions.rows import Row
from transactions.tests.conftest import NOON, Company, make_company

_number = count(1)


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def txn(one: Row | UUID) -> str:
    """The public id of a transaction."""
    return encode_id(Prefix.TRANSACTION, one if isinstance(one, UUID) else one.id)


def rec(reconciliation_id: UUID) -> str:
    return encode_id(Prefix.RECONCILIATION, reconciliation_id)


class Bakery:
    """Money in is a debit of the bank's account and money out a credit, on the card as on the checking
    account."""

    def __init__(self, name: str = "Bakery", company: Company | None = None) -> None:
        self.company = company or make_company(name)
        self.entity = self.company.entity
        card = make_account(self.company.ledger, "Card", "LIABILITY", financial_type="CREDIT_CARD")
        self.checking = self.bank_account(self.company.bank)
        self.card = self.bank_account(card, type="credit")

    def bank_account(self, account: Account, **more: Any) -> BankAccount:
        """A bank account that stands for a ledger account."""
        values: dict[str, Any] = {
            "entity_id": self.entity.id,
            "name": account.name,
            "type": "depository",
            "ledger_id": account.ledger_id,
            "ledger_account_id": account.id,
            "currency": account.currency,
            "created_at": NOON,
        }
        return BankAccount.objects.create(**(values | more))

    def _post(self, amount: str, on: str, text: str, more: dict[str, Any]) -> Row:
        values: dict[str, Any] = {"status": Status.CLEARED, "description": text}
        at = dt.datetime.combine(day(on), dt.time(12), dt.UTC)
        return self.company.post(amount, at=at, **(values | more))

    def earn(
        self,
        amount: str,
        on: str = "2024-01-10",
        text: str = "",
        *,
        bank: BankAccount | None = None,
        **more: Any,
    ) -> Row:
        """Money in: sales, unless told otherwise. CLEARED."""
        account = (bank or self.checking).ledger_account
        return self._post(amount, on, text, {"debit": account, "credit": self.company.sales} | more)

    def spend(
        self,
        amount: str,
        on: str = "2024-01-10",
        text: str = "",
        *,
        bank: BankAccount | None = None,
        **more: Any,
    ) -> Row:
        """Money out: rent, unless told otherwise. CLEARED."""
        account = (bank or self.checking).ledger_account
        return self._post(amount, on, text, {"debit": self.company.rent, "credit": account} | more)

    def line(
        self,
        amount: str,
        on: str = "2024-01-10",
        text: str = "",
        *,
        of: Sequence[Row] = (),
        bank: BankAccount | None = None,
        kind: LinkKind = LinkKind.MADE,
        **more: Any,
    ) -> BankLine:
        """A line of the bank, positive where money left; RECORDED where transactions stand for it, else left
        out of the books."""
        bank = bank or self.checking
        values: dict[str, Any] = {
            "entity_id": self.entity.id,
            "bank_account": bank,
            "provider_line_id": f"line-{next(_number)}",
            "date": day(on),
            "amount": Decimal(amount),
            "currency": bank.currency,
            "description": text,
            "status": LineStatus.RECORDED if of else LineStatus.IGNORED,
            "raw": {},
            "created_at": NOON,
            "updated_at": NOON,
        }
        line = BankLine.objects.create(**(values | more))
        for one in of:
            LineLink.objects.create(
                id=new_id(),
                entity_id=self.entity.id,
                line=line,
                bank_account=bank,
                transaction_id=one.id,
                kind=kind,
                created_at=NOON,
            )
        return line

    def start(self, balance: str, on: str = "2024-01-31", *, bank: BankAccount | None = None) -> UUID:
        return services.start_reconciliation(
            entity=self.entity,
            bank_account_id=(bank or self.checking).id,
            statement_date=day(on),
            statement_balance=Decimal(balance),
            actor=SYSTEM,
        )

    def tick(self, reconciliation_id: UUID, *rows: Row | UUID) -> int:
        ids = [row if isinstance(row, UUID) else row.id for row in rows]
        return matching.tick(
            entity=self.entity, reconciliation_id=reconciliation_id, transaction_ids=ids, actor=SYSTEM
        )

    def untick(self, reconciliation_id: UUID, *rows: Row) -> int:
        return matching.untick(
            entity=self.entity,
            reconciliation_id=reconciliation_id,
            transaction_ids=[row.id for row in rows],
            actor=SYSTEM,
        )

    def match(self, reconciliation_id: UUID, line: BankLine, *rows: Row) -> int:
        return matching.match_line(
            entity=self.entity,
            reconciliation_id=reconciliation_id,
            line_id=line.id,
            transaction_ids=[row.id for row in rows],
            actor=SYSTEM,
        )

    def unmatch(self, reconciliation_id: UUID, line: BankLine) -> int:
        return matching.unmatch_line(
            entity=self.entity, reconciliation_id=reconciliation_id, line_id=line.id, actor=SYSTEM
        )

    def accept(self, reconciliation_id: UUID) -> int:
        return matching.accept_suggestions(
            entity=self.entity, reconciliation_id=reconciliation_id, actor=SYSTEM
        )

    def complete(self, reconciliation_id: UUID) -> None:
        services.complete_reconciliation(
            entity=self.entity, reconciliation_id=reconciliation_id, actor=SYSTEM
        )

    def reopen(self, reconciliation_id: UUID, reason: str = "corrected statement") -> None:
        services.reopen_reconciliation(
            entity=self.entity, reconciliation_id=reconciliation_id, reason=reason, actor=SYSTEM
        )

    def delete(self, reconciliation_id: UUID) -> None:
        services.delete_reconciliation(entity=self.entity, reconciliation_id=reconciliation_id, actor=SYSTEM)

    def completed(self, *rows: Row, on: str = "2024-01-31", bank: BankAccount | None = None) -> UUID:
        """A completed statement on which these stand."""
        bank = bank or self.checking
        last = (
            Reconciliation.objects.filter(entity_id=self.entity.id, bank_account=bank)
            .order_by("-statement_date")
            .first()
        )
        opening = last.statement_balance if last else Decimal(0)
        raised = [
            row.amount
            if (row.debit_account_id == bank.ledger_account_id) == (bank == self.checking)
            else -row.amount
            for row in rows
        ]
        one = self.start(str(opening + sum(raised)), on, bank=bank)
        self.tick(one, *rows)
        self.complete(one)
        return one

    def statement(self, reconciliation_id: UUID) -> Statement:
        return find_statement(self.entity, reconciliation_id)

    def difference(self, reconciliation_id: UUID) -> Decimal:
        found = self.statement(reconciliation_id)
        return found.statement_balance - found.opening_balance - read_cleared(self.entity, found).amount

    def ticked(self, reconciliation_id: UUID) -> set[UUID]:
        return set(
            ReconciledTransaction.objects.filter(
                entity_id=self.entity.id, reconciliation_id=reconciliation_id
            ).values_list("transaction_id", flat=True)
        )

    def stored(self, row: Row) -> Transaction:
        return self.company.stored(row.id)
