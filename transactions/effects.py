"""What a transaction does to the four sums of its two accounts, as SQL."""

from transactions.choices import COUNTS_AS_PENDING, COUNTS_AS_POSTED


def _counted(states: frozenset[str], sign: str) -> str:
    listed = ", ".join(f"'{state}'" for state in sorted(states))
    return f"CASE WHEN status IN ({listed}) THEN {sign}amount ELSE 0 END"


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
