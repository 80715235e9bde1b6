"""Accounts as a tree with balances rolled up: what stands in an account and in all below it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from accounts.financial_types import is_cash
from ledger.ids import Prefix, encode_id, encode_optional_id
from reports.figures import Weights
from reports.links import Explainer
from reports.sums import NOTHING, ChartAccount, Turnover

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Node:
    """A line of a tree: an account, or a line that is computed and has no account of its own.

    `balance` includes everything below. It is on the normal side of the account's type: positive for what the
    group consists of, negative for what reduces it (contra accounts, overdrafts). `level` is 0 at the top of
    the tree it stands in.
    """

    id: str  # of the account, `acc_…`; of a computed line a word
    name: str
    type: str | None
    financial_type: str | None
    code: int | None
    balance: Decimal
    children: tuple["Node", ...]
    parent_id: str | None
    level: int
    is_category: bool
    entries_url: str

    def walk(self) -> Iterator["Node"]:
        """The node itself and all below it, from the top down."""
        yield self
        for child in self.children:
            yield from child.walk()


Forest = tuple[Node, ...]


def total(forest: Forest) -> Decimal:
    """What the nodes at the top add up to."""
    return sum((node.balance for node in forest), _ZERO)


def computed(id_: str, name: str, balance: Decimal, entries_url: str, *, type_: str | None = None) -> Node:
    """A line at the top of a tree that no account stands behind."""
    return Node(id_, name, type_, None, None, balance, (), None, 0, False, entries_url)


def weighted(turnover: Turnover, weights: Weights) -> Decimal:
    """What an account's debits and credits are in a figure."""
    debits, credits = turnover
    amount = _ZERO
    if weights.debit:
        amount = debits if weights.debit > 0 else -debits
    if weights.credit:
        amount = amount + credits if weights.credit > 0 else amount - credits
    return amount


def forest(
    accounts: Iterable[ChartAccount],
    turnovers: Mapping[UUID, Turnover],
    *,
    figure: str,
    weights: Callable[[ChartAccount], Weights | None],
    explain: Explainer,
    label: Callable[[ChartAccount, Decimal], str] | None = None,
    keep_empty: bool = False,
) -> Forest:
    """The accounts that count in a figure, as trees in the order of the chart.

    An account whose parent does not count in the figure hangs on the nearest one above that does, or stands at
    the top. Accounts without an amount, in themselves and in all below, are left out unless `keep_empty`. The
    balances of the trees add up to the figure. `label` names an account by its balance, where not by its name.
    """
    accounts = tuple(accounts)
    parents = {account.id: account.parent_id for account in accounts}
    counted: dict[UUID, tuple[ChartAccount, Weights]] = {}
    for account in accounts:
        found = weights(account)
        if found is not None:
            counted[account.id] = (account, found)
    below: dict[UUID | None, list[UUID]] = {}
    for account_id in counted:
        above = parents[account_id]
        while above is not None and above not in counted:
            above = parents.get(above)
        below.setdefault(above, []).append(account_id)
    prefix = explain.prefix(figure) + "&accountId="

    def node(account_id: UUID, parent: UUID | None, level: int) -> Node | None:
        account, account_weights = counted[account_id]
        children = nodes(account_id, level + 1)
        turnover = turnovers.get(account_id, NOTHING)
        if not (keep_empty or children or turnover.debits or turnover.credits):
            return None
        balance = weighted(turnover, account_weights)
        for child in children:
            balance += child.balance
        public_id = encode_id(Prefix.ACCOUNT, account_id)
        return Node(
            public_id,
            label(account, balance) if label else account.name,
            account.type,
            account.financial_type,
            account.code,
            balance,
            children,
            encode_optional_id(Prefix.ACCOUNT, parent),
            level,
            not is_cash(account.financial_type or ""),
            prefix + public_id + "&includeChildren=true",
        )

    def nodes(parent: UUID | None, level: int) -> Forest:
        found = (node(account_id, parent, level) for account_id in below.get(parent, ()))
        return tuple(one for one in found if one is not None)

    return nodes(None, 0)
