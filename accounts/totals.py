"""The SQL that adds to an account's balance, days and months: the only text that writes these tables.

The posting engine puts it into its own statements, so that a transaction and its effect on the totals
are one statement, one round trip and one commit.
"""

from typing import Final

SLOTS: Final = 8

_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


# Which table, under which name in the statement, with which key besides company and slot, and where the
# key comes from.
_TABLES: Final = (
    ("accounts_accountbalance", "to_balance", ("account_id",), ("account_id",)),
    ("accounts_accountday", "to_day", ("account_id", "date"), ("account_id", "date")),
    (
        "accounts_accountmonth",
        "to_month",
        ("account_id", "month"),
        ("account_id", "date_trunc('month', date::timestamp)::date"),
    ),
)


def _add_effect(*, is_single: bool) -> str:
    """The CTEs that add `effect` to the three tables.

    Rows are locked in the order of their key, here as everywhere, so that two postings never wait for
    each other in a circle; and they are locked last in the statement, so as short as can be. The effect of
    many transactions is added up by day once; balances and months are sums of days.
    """
    ctes = []
    if not is_single:
        sums = ", ".join(f"sum({column}) AS {column}" for column in _SUMS)
        ctes.append(f"""daily AS MATERIALIZED (
    SELECT account_id, date, {sums} FROM effect GROUP BY account_id, date ORDER BY account_id, date
)""")
    for table, name, key, source in _TABLES:
        chosen = f"SELECT %(entity)s::uuid, {', '.join(source)}, %(slot)s::smallint, "
        if is_single:
            chosen += f"{', '.join(_SUMS)} FROM effect"
        elif source == ("account_id", "date"):
            chosen += f"{', '.join(_SUMS)} FROM daily"
        else:
            sums = ", ".join(f"sum({column})" for column in _SUMS)
            chosen += f"{sums} FROM daily GROUP BY {', '.join(source)} ORDER BY {', '.join(source)}"
        ctes.append(f"""{name} AS (
    INSERT INTO {table} AS t (entity_id, {", ".join(key)}, slot, {", ".join(_SUMS)})
    {chosen}
    ON CONFLICT (entity_id, {", ".join(key)}, slot) DO UPDATE SET
        {", ".join(f"{column} = t.{column} + EXCLUDED.{column}" for column in _SUMS)}
)""")
    return ",\n".join(ctes)


# CTEs to stand behind one named `effect` with the columns account_id, date and the four sums, each a
# signed change. Parameters: entity (uuid), slot (0 to SLOTS - 1, by the connection).
ADD_EFFECT_TO_TOTALS: Final = _add_effect(is_single=False)
# The same for an effect of at most one row per account that comes in the order of its account ids:
# nothing need be grouped or sorted, which makes a posting half as fast again.
ADD_SORTED_EFFECT_TO_TOTALS: Final = _add_effect(is_single=True)
