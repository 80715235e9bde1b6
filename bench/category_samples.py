"""Companies to fit the mixture of category suggestions over, and samples of their lines at several lengths of
their histories."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

GROUPS = 5
SEED = 20_240_101
SANDBOX_SEEDS = (11, 12, 13)
# After how many lines, or which part of them, a history is looked at.
HISTORIES = (0, 12, 50, 0.15, 0.3, 0.6)
LINES_MAX = 90
# Of merged companies, which alone have long histories, many more: they stand for ledgers of suppliers.
MERGED_LINES_MAX = 1_500
# Long histories alone: the first lines of seventy companies at once are no company's first lines.
MERGED_HISTORIES = (0.15, 0.3, 0.6)
# After so many lines a history is young. Few answers are sure then, so that more lines must be looked at to
# know how sure they may be.
YOUNG_LINES = 50
YOUNG_SHARE = 1 / 3


class Sample(NamedTuple):
    """Lines of one company after a part of its history."""

    company: str
    group: int
    history: int
    # What of the history was learned from: a part of HISTORIES.
    part: float
    evidence: Any
    right: Any
    # How many of the company's lines it stands for.
    stands_for: int

    @property
    def columns(self) -> Any:
        """One column for each weight."""
        from ai.categories.mixing import expanded

        return expanded(self.evidence).astype(np.float32)


def sandbox_companies() -> list[Any]:
    """Made-up companies of each industry: what their banks say, and what their books say it was."""
    from datetime import date
    from decimal import Decimal

    from accounts.chart_templates import SYSTEM_ACCOUNTS, chart_template
    from accounts.financial_types import is_cash
    from ai.categories.chart import Candidate
    from ai.categories.labelled import Company, Row
    from ai.categories.texts import Line
    from banking.sandbox.categories import category_of
    from banking.sandbox.industries import INDUSTRIES
    from banking.sandbox.story import tell
    from ledger.ids import new_id

    companies = []
    for kind in INDUSTRIES.values():
        charted: list[Any] = [*SYSTEM_ACCOUNTS, *chart_template(kind.template_id).accounts]
        accounts = {
            one.code: Candidate(new_id(), one.name, one.type, one.financial_type, one.code)
            for one in charted
            if one.code is not None
        }
        own = {code for code, one in accounts.items() if is_cash(one.financial_type or "")} | {
            kind.chart.card
        }
        for seed in SANDBOX_SEEDS:
            story = tell(
                industry=kind,
                seed=seed,
                first=date(2023, 1, 1),
                until=date(2024, 12, 31),
                step=Decimal("0.01"),
            )
            rows = []
            for one in story:
                if not one.is_bank or {one.debit, one.credit} <= own or not {one.debit, one.credit} & own:
                    continue
                is_in = one.debit in own
                other = accounts[one.credit if is_in else one.debit]
                # Half of the companies have a bank that says what it thinks.
                said = category_of(other.financial_type or "", is_in=is_in) if seed % 2 else ""
                rows.append(
                    Row(
                        Line(one.description, "", said, -one.amount if is_in else one.amount),
                        one.day,
                        other.id,
                    )
                )
            groups = {one.parent for one in chart_template(kind.template_id).accounts}
            systems = {one.code for one in SYSTEM_ACCOUNTS}
            chart = tuple(one for code, one in accounts.items() if code not in own | groups | systems)
            rows = [row for row in rows if row.account_id in {one.id for one in chart}]
            companies.append(Company(f"{kind.id} {seed}", chart, tuple(rows)))
    return companies


def merged(companies: Sequence[Any], name: str) -> Any:
    """Several companies of one chart as one with a long history, as suppliers' ledgers have. Half of its
    lines have a reference, and say their counterparty."""
    rows = sorted((row for company in companies for row in company.rows), key=lambda row: row.date)
    dice = np.random.default_rng(SEED)
    changed = []
    for row, kind, number in zip(
        rows, dice.random(len(rows)), dice.integers(10_000, 999_999, len(rows)), strict=True
    ):
        line = row.line
        if kind < 0.5:
            line = line._replace(
                description=f"{line.description} {number}/{1 + number % 3}", counterparty=line.description
            )
        changed.append(row._replace(line=line))
    return companies[0]._replace(name=name, rows=tuple(changed))


def groups_of(companies: Sequence[Any], alone: Sequence[str]) -> dict[str, int]:
    """Which group each company is of; one of `alone` has a group of its own."""
    others = [company.name for company in companies if company.name not in alone]
    order = np.random.default_rng(SEED).permutation(len(others))
    groups = {others[at]: number % GROUPS for number, at in enumerate(order)}
    for number, name in enumerate(alone):
        groups[name] = GROUPS + number
    # Made-up companies of one industry are one company in different words.
    for name in groups:
        head, _, seed = name.rpartition(" ")
        if seed.isdigit() and f"{head} {SANDBOX_SEEDS[0]}" in groups:
            groups[name] = groups[f"{head} {SANDBOX_SEEDS[0]}"]
    return groups


def sample(
    company: Any, group: int, part: float, prior: Any, lines_max: int, *, is_shared: bool
) -> Sample | None:
    """Up to `lines_max` of the company's lines after a part of its history, and what the layers say of them;
    None where it has too few. With `is_shared` its chart has accounts that it does not use."""
    from ai.categories.chart import Chart
    from ai.categories.evidence import Evidence, evidence_of
    from ai.categories.learned import learn
    from ai.categories.lookups import Example, InMemory, Known

    rows = company.rows
    history = part if isinstance(part, int) else int(part * len(rows))
    if history + 20 > len(rows):
        return None
    used = {row.account_id for row in rows}
    accounts = company.accounts if is_shared else [one for one in company.accounts if one.id in used]
    chart = Chart(accounts, prior)
    lookups = InMemory()
    for row in rows[:history]:
        lookups.add(row.line, Known(row.account_id, row.line.amount, row.date, row.line.description))
    model = learn([Example(row.line, row.account_id) for row in rows[:history]], prior) if history else None
    rest = np.arange(history, len(rows))
    chosen = np.sort(np.random.default_rng(history).choice(rest, min(lines_max, len(rest)), replace=False))
    lines = [rows[at].line for at in chosen]
    evidence = evidence_of(lines, lookups.find(lines), chart, model)
    right = np.array([chart.place[rows[at].account_id] for at in chosen])
    evidence = Evidence(evidence.scores.astype(np.float16), evidence.known)
    return Sample(company.name, group, history, part, evidence, right, len(rest))


def samples_of(
    companies: Sequence[Any], group: int, prior: Any, kinds: dict[str, str], *, alone: Sequence[str]
) -> Iterator[tuple[Sample, Sample]]:
    """Of each company at each length of its history a sample to fit the weights to, and one to calibrate the
    confidence with."""
    for company in companies:
        many = LINES_MAX * 5 if company.name in alone else LINES_MAX
        # Units of one council share a chart; of the others half have only what they use.
        for number, part in enumerate(HISTORIES):
            is_shared = kinds[company.name] == "unit" or bool((len(company.rows) + number) % 2)
            one = sample(company, group, part, prior, many, is_shared=is_shared)
            if one is None:
                continue
            more = None
            if part == YOUNG_LINES and kinds[company.name] == "unit":
                lines_max = max(many, int(one.stands_for * YOUNG_SHARE))
                more = sample(company, group, part, prior, lines_max, is_shared=is_shared)
            yield one, more or one


def merged_samples(units: Sequence[Any], group: int, prior: Any) -> Iterator[tuple[Sample | None, Sample]]:
    """The same of the units as one company; after few lines only to calibrate with."""
    whole = merged(units, f"merged {group}")
    for part in (YOUNG_LINES, *MERGED_HISTORIES):
        one = sample(whole, group, part, prior, MERGED_LINES_MAX, is_shared=True)
        if one is not None:
            yield one if part in MERGED_HISTORIES else None, one
