"""What a transaction does to the four sums of its two accounts, as SQL."""

from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED


def _listed(states: frozenset[str]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


def _counted(states: frozenset[str], sign: str) -> str:
    return f"CASE WHEN status IN ({_listed(states)}) THEN {sign}amount ELSE 0 END"


def effect_of(relation: str, *, undone: bool = False) -> str:
    """SELECT the effect of every transaction in `relation`: columns account_id, date, debits_pending,
    debits_posted, credits_pending, credits_posted; two rows each, one for either account.

    `undone` gives the same amounts with the other sign: what taking the transactions out does.
    """
    sign = "-" if undone else ""
    pending, posted = _counted(COUNTS_AS_PENDING, sign), _counted(COUNTS_AS_POSTED, sign)
    return f"""
    SELECT debit_account_id AS account_id, date,
        {pending} AS debits_pending, {posted} AS debits_posted,
        0::numeric AS credits_pending, 0::numeric AS credits_posted
    FROM {relation}
    UNION ALL
    SELECT credit_account_id, date, 0, 0, {pending}, {posted}
    FROM {relation}"""


def effect_of_moving(relation: str, *, to: str) -> str:
    """SELECT what moving every transaction in `relation` to the status `to` (SQL) does, all else as it was:
    the same columns as `effect_of`, one pass instead of two over what was and what is."""
    pending, posted = (
        f"(CASE WHEN {to} IN ({_listed(states)}) THEN amount ELSE 0 END"
        f" - CASE WHEN status IN ({_listed(states)}) THEN amount ELSE 0 END)"
        for states in (COUNTS_AS_PENDING, COUNTS_AS_POSTED)
    )
    return f"""
    SELECT debit_account_id AS account_id, date, {pending} AS debits_pending, {posted} AS debits_posted,
        0::numeric AS credits_pending, 0::numeric AS credits_posted
    FROM {relation}
    UNION ALL
    SELECT credit_account_id, date, 0, 0, {pending}, {posted}
    FROM {relation}"""
