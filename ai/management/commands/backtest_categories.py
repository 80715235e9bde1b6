"""`manage.py backtest_categories`: what category suggestions would have been worth."""

from argparse import ArgumentParser
from typing import Any

from tqdm import tqdm

from ai.categories.backtest import Backtest, backtest
from ai.categories.lookups import EXAMPLES_MAX
from ledger.exceptions import ValidationError
from ledger.management.base import OperatorCommand
from transactions.management.books import entity_of


class Command(OperatorCommand):
    help = (
        "Replay the confirmed transactions of a company in their order, each with what was confirmed before "
        "it alone, and print how often category suggestions would have been right, and how many there would "
        "have been, by confidence. Nothing is written to the books."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("--entity", required=True, metavar="entity_…", help="the company")
        parser.add_argument(
            "--limit",
            type=int,
            default=EXAMPLES_MAX,
            metavar="N",
            help="so many transactions, the newest (default: %(default)s)",
        )

    def run(self, **options: Any) -> str:
        """Replay, print the table, and return the summary."""
        if options["limit"] < 1:
            raise ValidationError(f"--limit: {options['limit']} is too small; give 1 or more.")
        entity = entity_of(options["entity"])
        # Without a terminal there is no bar.
        with tqdm(unit=" transactions", disable=None, leave=False) as bar:

            def show(done: int, of: int) -> None:
                bar.total = of
                bar.update(done - bar.n)

            outcome = backtest(entity, limit=options["limit"], progress=show)
        if not outcome.count:
            return f"{entity} has no confirmed transactions yet; categorize some and try again."
        self._print(outcome)
        return (
            f"{entity}: of {outcome.count:,} transactions the first suggestion was right for "
            f"{outcome.top_1:.1%}, one of three for {outcome.top_3:.1%}."
        )

    def _print(self, outcome: Backtest) -> None:
        self.stdout.write("confidence  coverage  precision  transactions")
        for level in outcome.levels():
            precision = "-" if level.precision is None else f"{level.precision:.1%}"
            self.stdout.write(
                f"{level.threshold:>10.2f}  {level.coverage:>8.1%}  {precision:>9}  {level.number:>12,}"
            )
