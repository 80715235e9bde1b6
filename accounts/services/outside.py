"""Accounts that stand for those of another program: found again, taken over, or made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.transaction import atomic

from accounts.choices import AccountType
from accounts.constants import ACCOUNT_DEPTH_MAX, ACCOUNT_NAME_LENGTH_MAX, CODE_MAX, CODE_MIN
from accounts.models import Account
from accounts.services.insertion import folded, insert_accounts, new_account, record_many_made
from accounts.services.locks import hold_tree
from ledger import audit
from ledger.actors import Actor
from ledger.clock import utc_now
from ledger.models import Entity, Ledger

# The field of an account's metadata that names it in other programs: {"quickbooks:9130347": "39"}.
OUTSIDE_IDS: Final = "outsideIds"
_UPDATE_ROWS: Final = 2_000


@dataclass(frozen=True, slots=True)
class OutsideAccount:
    """An account as another program has it."""

    # Its id there, and that of the one above it.
    id: str
    name: str
    type: AccountType
    financial_type: str | None = None
    # Its number in the chart; what is no number of ours stays in the other program alone.
    code: str = ""
    parent_id: str | None = None
    description: str = ""


class Adopted(NamedTuple):
    """What stands for each outside account, by its id there."""

    account_ids: dict[str, UUID]
    made: int
    taken_over: int


@atomic
def adopt_accounts(
    *, entity: Entity, ledger: Ledger, source: str, accounts: Sequence[OutsideAccount], actor: Actor
) -> Adopted:
    """Return the account that stands for each of `accounts`, making those that the ledger does not have.

    `source` names the other program's books, as "quickbooks:9130347". An account is found, in this order, by
    its id there, and of those that are open by code and type, by name (in any case) and type below the same
    parent; nothing but its metadata is changed then, which remembers the id. One of ours stands for one of
    theirs at most. What is made stands below what stands for its parent, where that is of its type, else at
    the top level; a code that another account has is left out. A second call makes nothing.

    It costs a handful of statements and one more per 2,000 accounts.
    """
    assert ledger.entity_id == entity.id, "the ledger is one of this company's"
    hold_tree(entity)
    return _Adoption(entity, ledger, source).adopt(accounts, actor)


class _Adoption:
    def __init__(self, entity: Entity, ledger: Ledger, source: str) -> None:
        self.entity, self.ledger, self.source = entity, ledger, source
        self.now = utc_now()
        self.fresh: list[Account] = []
        self.taken_over: list[Account] = []
        self.found: dict[str, Account] = {}
        self.depth: dict[UUID, int] = {}
        self.by_outside_id: dict[str, Account] = {}
        self.by_code: dict[int, Account] = {}
        self.by_place: dict[tuple[UUID | None, str, str], Account] = {}
        self.spoken_for: set[UUID] = set()

    def adopt(self, accounts: Sequence[OutsideAccount], actor: Actor) -> Adopted:
        self._know_accounts()
        for outside in _parents_first(accounts):
            self.found[outside.id] = self._found(outside) or self._made(outside)
        insert_accounts(self.fresh)
        Account.objects.bulk_update(self.taken_over, ["metadata", "updated_at"], batch_size=_UPDATE_ROWS)
        if self.fresh:
            record_many_made(entity=self.entity, ledger=self.ledger, accounts=self.fresh, actor=actor)
        if self.taken_over:
            audit.record(
                actor=actor,
                action="accounts.accounts.adopted",
                object_type="ledger",
                object_id=self.ledger.public_id,
                entity=self.entity,
                after={"source": self.source, "count": len(self.taken_over)},
            )
        return Adopted(
            {id_: account.id for id_, account in self.found.items()}, len(self.fresh), len(self.taken_over)
        )

    def _know_accounts(self) -> None:
        stored = list(Account.objects.for_entity(self.entity).filter(ledger_id=self.ledger.id).order_by("id"))
        for account in stored:
            outside_id = _outside_ids(account).get(self.source)
            if isinstance(outside_id, str):
                self.by_outside_id.setdefault(outside_id, account)
                self.spoken_for.add(account.id)
            if account.sub_type_code is not None:
                self.by_code[account.sub_type_code] = account
            if account.closed_at is None:
                self.by_place.setdefault((account.parent_id, account.type, folded(account.name)), account)
        parents = {account.id: account.parent_id for account in stored}
        for account in stored:
            self._measure(account.id, parents)

    def _measure(self, at: UUID, parents: Mapping[UUID, UUID | None]) -> None:
        above: list[UUID] = []
        here: UUID | None = at
        while here is not None and here not in self.depth:
            above.append(here)
            here = parents[here]
        depth = self.depth[here] if here is not None else 0
        for id_ in reversed(above):
            depth += 1
            self.depth[id_] = depth

    def _found(self, outside: OutsideAccount) -> Account | None:
        known = self.by_outside_id.get(outside.id)
        if known is not None:
            return known
        parent = self._parent(outside)
        code = _code(outside.code)
        candidates = (
            self.by_code.get(code) if code is not None else None,
            self.by_place.get((parent.id if parent else None, str(outside.type), folded(_name(outside)))),
        )
        for account in candidates:
            if account is None or account.closed_at is not None or account.type != outside.type:
                continue
            if account.id not in self.spoken_for:
                self._remember(account, outside)
                self.taken_over.append(account)
                return account
        return None

    def _made(self, outside: OutsideAccount) -> Account:
        parent = self._parent(outside)
        code = _code(outside.code)
        account = new_account(
            ledger=self.ledger,
            name=_name(outside),
            type_=outside.type,
            now=self.now,
            financial_type=outside.financial_type,
            sub_type_code=code if code not in self.by_code else None,
            parent=parent,
            description=outside.description,
        )
        self._remember(account, outside)
        if account.sub_type_code is not None:
            self.by_code[account.sub_type_code] = account
        self.by_place.setdefault((account.parent_id, account.type, folded(account.name)), account)
        self.depth[account.id] = self.depth[parent.id] + 1 if parent else 1
        self.fresh.append(account)
        return account

    def _parent(self, outside: OutsideAccount) -> Account | None:
        parent = self.found.get(outside.parent_id) if outside.parent_id else None
        if parent is None or parent.type != outside.type or self.depth[parent.id] >= ACCOUNT_DEPTH_MAX:
            return None
        return parent

    def _remember(self, account: Account, outside: OutsideAccount) -> None:
        metadata = dict(account.metadata) if isinstance(account.metadata, Mapping) else {}
        account.metadata = metadata | {OUTSIDE_IDS: _outside_ids(account) | {self.source: outside.id}}
        account.updated_at = self.now
        self.spoken_for.add(account.id)


def _outside_ids(account: Account) -> dict[str, Any]:
    ids = account.metadata.get(OUTSIDE_IDS) if isinstance(account.metadata, Mapping) else None
    return dict(ids) if isinstance(ids, Mapping) else {}


def _name(outside: OutsideAccount) -> str:
    return outside.name.strip()[:ACCOUNT_NAME_LENGTH_MAX].strip() or f"Account {outside.id[:100]}"


def _code(text: str) -> int | None:
    """The account's number, where it is one that ours can be."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    return int(text) if CODE_MIN <= int(text) <= CODE_MAX else None


def _parents_first(accounts: Iterable[OutsideAccount]) -> list[OutsideAccount]:
    """Each once, after the one above it; of a circle, and below one that is not there, in the given order."""
    by_id = {account.id: account for account in accounts}
    ordered: dict[str, OutsideAccount] = {}
    for account in by_id.values():
        branch: dict[str, OutsideAccount] = {}
        here: OutsideAccount | None = account
        while here is not None and here.id not in ordered and here.id not in branch:
            branch[here.id] = here
            here = by_id.get(here.parent_id or "")
        for one in reversed(branch.values()):
            ordered[one.id] = one
    return list(ordered.values())
