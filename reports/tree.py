"""Accounts as a tree with balances rolled up: what stands in an account and in all below it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from reports.figures import Weights
from reports.links import Explainer
from reports.sums import ChartAccount, Members, Turnover, downwards

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
    # Nearly all count the one side against the other.
    if weights.debit > 0 > weights.credit:
        return debits - credits
    if weights.credit > 0 > weights.debit:
        return credits - debits
    amount = _ZERO
    if weights.debit:
        amount = debits if weights.debit > 0 else -debits
    if weights.credit:
        amount = amount + credits if weights.credit > 0 else amount - credits
    return amount


def forest(
    members: Members,
    turnovers: Mapping[int, Turnover],
    *,
    figure: str,
    explain: Explainer,
    label: Callable[[ChartAccount, Decimal], str] | None = None,
    keep_empty: bool = False,
) -> Forest:
    """The accounts that count in a figure, as trees in the order of the chart.

    `members` are these accounts. A member whose parent is none hangs on the nearest one above that is, or
    stands at the top. Accounts without an amount, in themselves and in all below, are left out unless
    `keep_empty`. The balances of the trees add up to the figure. `label` names an account by its balance,
    where it is not called by its name.
    """
    accounts = members.accounts
    own: dict[int, Decimal] = {}
    for key, (_, weights) in accounts.items():
        moved = turnovers.get(key)
        if moved is not None and ((moved[0] and weights.debit) or (moved[1] and weights.credit)):
            own[key] = weighted(moved, weights)
    below = members.below if keep_empty or len(own) == len(accounts) else _leading_to(own, members)
    prefix = explain.prefix(figure) + "&accountId="

    def node(key: int, parent_id: str | None, level: int) -> Node:
        account, _ = accounts[key]
        public_id = account.public_id
        balance = own.get(key, _ZERO)
        children: Forest = ()
        if key in below:
            children = tuple([node(child, public_id, level + 1) for child in below[key]])
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
            not account.is_cash,
            prefix + public_id + "&includeChildren=true",
        )

    return tuple([node(key, None, 0) for key in below.get(None, ())])


def _leading_to(keys: Iterable[int], members: Members) -> Mapping[int | None, Sequence[int]]:
    """What is right below each, of these accounts and all above them."""
    above = members.above
    shown: set[int | None] = {None}
    for key in keys:
        current: int | None = key
        while current not in shown:
            shown.add(current)
            current = above[current]  # type: ignore[index]
    return downwards({key: above[key] for key in members.accounts if key in shown})
