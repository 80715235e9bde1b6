"""What the background worker does with summaries."""

from datetime import date
from typing import Final

from celery import shared_task

from ai.chat.summaries import due_summaries, write_summary
from ledger.background import TaskRun, background_task, start_task

WRITE_SUMMARY: Final = "ai.write_summary"


@background_task(WRITE_SUMMARY)
def write_one(run: TaskRun) -> str:
    """Write the summary of one month."""
    month = date.fromisoformat(run.arguments["month"])
    written = write_summary(run.entity, month)
    return f"The summary of {month:%B %Y} {'is written' if written else 'was there already'}."


@shared_task(name="ai.write_summaries")  # type: ignore[untyped-decorator]
def write_summaries() -> int:
    """Start the summaries of the months that have ended, of the companies that want them; returns how many.

    Run every hour, a company has it within the first hour of its own first of the month; what was missed is
    made up for. Safe at any time.
    """
    due = due_summaries()
    for entity, month in due:
        start_task(
            entity=entity, name=WRITE_SUMMARY, arguments={"month": month.isoformat()}, key=month.isoformat()
        )
    return len(due)
