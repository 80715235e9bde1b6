"""Accounts as a tree with balances rolled up: what stands in an account and in all below it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from accounts.financial_types import is_cash
from reports.figures import Weights
from reports.links import Explainer
from reports.sums import NOTHING, ChartAccount, Turnover

_ZERO = Decimal(0)


class Node(NamedTuple):
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


Member = tuple[ChartAccount, Weights]


def forest(
    members: Mapping[int, Member],
    parents: Sequence[int | None],
    turnovers: Mapping[int, Turnover],
    *,
    figure: str,
    explain: Explainer,
    label: Callable[[ChartAccount, Decimal], str] | None = None,
    keep_empty: bool = False,
) -> Forest:
    """The accounts that count in a figure, as trees in the order of the chart.

    `members` are these accounts by key in that order, `parents` has each account's parent. A member whose
    parent is none hangs on the nearest one above that is, or stands at the top. Accounts without an amount,
    in themselves and in all below, are left out unless `keep_empty`. The balances of the trees add up to the
    figure. `label` names an account by its balance, where it is not called by its name.
    """
    below: dict[int | None, list[int]] = {}
    shown: set[int] = set()
    for key in members:
        if not keep_empty:
            turnover, weights = turnovers.get(key, NOTHING), members[key][1]
            if not ((turnover.debits and weights.debit) or (turnover.credits and weights.credit)):
                continue
        # The account, and those above it that are not there yet.
        current = key
        while current not in shown:
            shown.add(current)
            above = parents[current]
            while above is not None and above not in members:
                above = parents[above]
            if above is None:
                break
            current = above
    for key in members:
        if key in shown:
            above = parents[key]
            while above is not None and above not in members:
                above = parents[above]
            below.setdefault(above, []).append(key)
    prefix = explain.prefix(figure) + "&accountId="

    def node(key: int, parent_id: str | None, level: int) -> Node:
        account, weights = members[key]
        public_id = account.public_id
        children: Forest = ()
        if key in below:
            children = tuple(node(child, public_id, level + 1) for child in below[key])
        balance = weighted(turnovers.get(key, NOTHING), weights)
        for child in children:
            balance += child.balance
        return Node(
            public_id,
            label(account, balance) if label else account.name,
            account.type,
            account.financial_type,
            account.code,
            balance,
            children,
            parent_id,
            level,
            not is_cash(account.financial_type or ""),
            prefix + public_id + "&includeChildren=true",
        )

    return tuple(node(key, None, 0) for key in below.get(None, ()))
