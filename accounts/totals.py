"""The SQL that adds to an account's balance, days and months: the only text that writes these tables.

The posting engine puts it into its own statements, so that a transaction and its effect on the totals
are one statement, one round trip and one commit.
"""

from typing import Final

SLOTS: Final = 8

_SUMS = ("debits_pending", "debits_posted", "credits_pending", "credits_posted")


def _upsert(table: str, name: str, key: tuple[str, ...], source: str) -> str:
    """One CTE that adds the sums of `effect`, grouped by `source`, to the rows of `table`.

    Rows are locked in the order of their key, here as everywhere, so that two postings never wait for
    each other in a circle; and they are locked last in the statement, so as short as can be.
    """
    groups = ", ".join(source.split("; "))
    return f"""{name} AS (
    INSERT INTO {table} AS t (entity_id, {", ".join(key)}, slot, {", ".join(_SUMS)})
    SELECT %(entity)s::uuid, {groups}, %(slot)s::smallint, {", ".join(f"sum({column})" for column in _SUMS)}
    FROM effect GROUP BY {groups} ORDER BY {groups}
    ON CONFLICT (entity_id, {", ".join(key)}, slot) DO UPDATE SET
        {", ".join(f"{column} = t.{column} + EXCLUDED.{column}" for column in _SUMS)}
)"""


# CTEs to stand behind one named `effect` with the columns account_id, date and the four sums, each a
# signed change. Parameters: entity (uuid), slot (0 to SLOTS - 1, by the connection).
ADD_EFFECT_TO_TOTALS: Final = ",\n".join(
    [
        _upsert("accounts_accountbalance", "to_balance", ("account_id",), "account_id"),
        _upsert("accounts_accountday", "to_day", ("account_id", "date"), "account_id; date"),
        _upsert(
            "accounts_accountmonth",
            "to_month",
            ("account_id", "month"),
            "account_id; date_trunc('month', date::timestamp)::date",
        ),
    ]
)
