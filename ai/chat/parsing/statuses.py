"""States of transactions as they are said."""

from typing import Final

from ai.chat.parsing.prompt import Prompt, whole
from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED, Status

# The first that matches wins: "not approved" before "approved".
_SAID: Final = (
    (
        whole(
            r"(?:still )?(?:(?:that |which )?(?:is |are |was |were )?(?:not|have not|has not|haven|isn"
            r"|aren|un) (?:been )?(?:yet )?(?:approved|posted)(?: yet)?"
            r"|unapproved|unposted|awaiting approval|(?:waiting |left |still )*(?:for|to be|need(?:s"
            r"|ing)?(?: to be)?|requir(?:e|es|ing)) (?:approval|approved)"
            r"|(?:waiting|left|open) to approve|to approve)"
        ),
        COUNTS_AS_PENDING,
    ),
    (whole(r"(?:not |un)reconciled"), frozenset({Status.PENDING, Status.CLEARED, Status.POSTED})),
    (whole(r"pending"), frozenset({Status.PENDING})),
    (whole(r"(?:already |been )?(?:approved|posted)"), COUNTS_AS_POSTED),
    (whole(r"cleared"), frozenset({Status.CLEARED})),
    (whole(r"reconciled"), frozenset({Status.RECONCILED})),
    (whole(r"(?:reversed|voided|undone)"), frozenset({Status.REVERSED})),
    (whole(r"expired"), frozenset({Status.EXPIRED})),
)
_UNCATEGORIZED: Final = whole(
    r"uncategori[sz]ed|(?:not|without|no|missing)(?: an?| yet| any)?(?: been)? (?:categor(?:y|ies)"
    r"|categori[sz]ed)|unclassified"
)


def read_statuses(prompt: Prompt) -> frozenset[Status]:
    """Take states out of a prompt: those named, or all where none is."""
    found: frozenset[Status] = frozenset()
    for pattern, statuses in _SAID:
        if prompt.take(pattern):
            found |= statuses
    return found


def read_uncategorized(prompt: Prompt) -> bool:
    """Take the wish for what has no category out of a prompt."""
    return prompt.take(_UNCATEGORIZED) is not None
