"""The floors: the least SQL that does the durable work of a posting, and nothing that guards it.

Durable work is the same everywhere: insert the transaction, and add it to two balances, two day totals and
two month totals. What a floor leaves out is what our code adds: reading and checking the accounts, ids and
amounts of a request, closed periods, external ids, who did it. The floors write into the very tables of the
project (of a company of their own), so that a ratio measures our code and not the schema; `bare_tables`
makes tables with a primary key alone, to show what the schema's own indexes, foreign keys and guards cost.

Parameters are psycopg's, but for `for_pgbench`.
"""

from typing import Final

from transactions.days import hour_of

_COLUMNS: Final = (
    "entity_id, id, ledger_id, debit_account_id, credit_account_id, timestamp, created_at, updated_at, "
    "date, amount, currency, status, source, counterparty, description"
)
_SUMS: Final = "debits_pending, debits_posted, credits_pending, credits_posted"
# table, its key between account and slot, and that key of a day
TOTALS: Final = (
    ("accounts_accountbalance", "", ""),
    ("accounts_accountday", "date, ", "{day}, "),
    ("accounts_accountmonth", "month, ", "date_trunc('month', {day}::timestamp)::date, "),
)


def _add(table: str, key: str, rows: str) -> str:
    """Upsert `rows` (key, slot, pending debits, pending credits) in the order of the key, so that two never
    wait for each other in a circle."""
    return f"""
    INSERT INTO {table} AS t (entity_id, account_id, {key}slot, {_SUMS})
    {rows}
    ON CONFLICT (entity_id, account_id, {key}slot) DO UPDATE SET
        debits_pending = t.debits_pending + EXCLUDED.debits_pending,
        credits_pending = t.credits_pending + EXCLUDED.credits_pending"""


def _post(schema: str = "") -> str:
    """Floor A: one transaction, one prepared statement."""
    day = "%(date)s::date"
    totals = ",\n".join(
        f"{table} AS ("
        + _add(
            schema + table,
            key,
            f"""SELECT %(entity)s::uuid, account, {value.format(day=day)}%(slot)s::smallint,
            debits, 0, credits, 0
        FROM (VALUES (%(debit)s::uuid, %(amount)s::numeric, 0), (%(credit)s::uuid, 0, %(amount)s::numeric))
            AS v (account, debits, credits) ORDER BY account""",
        )
        + ")"
        for table, key, value in TOTALS
    )
    return f"""
WITH fresh AS (
    INSERT INTO {schema}transactions_transaction ({_COLUMNS})
    VALUES (%(entity)s::uuid, %(id)s::uuid, %(ledger)s::uuid, %(debit)s::uuid, %(credit)s::uuid,
        %(now)s::timestamptz, %(now)s::timestamptz, %(now)s::timestamptz, {day}, %(amount)s::numeric,
        'USD', 'PENDING', 'api', %(counterparty)s::text, %(description)s::text)
),
{totals}
SELECT 1"""


POST: Final = _post()
POST_BARE: Final = _post("bare.")

_EFFECT: Final = """
    SELECT account, {key}%(slot)s::smallint AS slot, sum(debits) AS debits, sum(credits) AS credits
    FROM (
        SELECT debit_account_id AS account, date, amount AS debits, 0 AS credits FROM fresh
        UNION ALL SELECT credit_account_id, date, 0, amount FROM fresh
    ) sides GROUP BY {groups} ORDER BY {groups}"""


def _add_aggregated() -> str:
    parts = []
    for table, key, value in TOTALS:
        day = value.format(day="date")
        groups = "account" + (f", {day[:-2]}" if day else "")
        effect = _EFFECT.format(key=day, groups=groups)
        parts.append(
            f"{table} AS ("
            + _add(
                table,
                key,
                "SELECT %(entity)s::uuid, account, "
                + ("day, " if day else "")
                + f"slot, debits, 0, credits, 0 FROM ({effect}) AS e "
                + f"(account, {'day, ' if day else ''}slot, debits, credits)",
            )
            + ")"
        )
    return ",\n".join(parts)


# Floor B: a thousand transactions, one statement, aggregated upserts.
POST_MANY: Final = f"""
WITH fresh AS (
    INSERT INTO transactions_transaction ({_COLUMNS})
    SELECT %(entity)s::uuid, u.id, %(ledger)s::uuid, u.debit, u.credit, %(now)s::timestamptz,
        %(now)s::timestamptz, %(now)s::timestamptz, %(date)s::date, u.amount, 'USD', 'PENDING', 'api',
        u.counterparty, u.description
    FROM unnest(%(ids)s::uuid[], %(debits)s::uuid[], %(credits)s::uuid[], %(amounts)s::numeric[],
        %(counterparties)s::text[], %(descriptions)s::text[])
        AS u (id, debit, credit, amount, counterparty, description)
    RETURNING debit_account_id, credit_account_id, date, amount
),
{_add_aggregated()}
SELECT 1"""

# The floor of files: COPY of all rows, then one aggregate over them.
COPY: Final = f"COPY transactions_transaction ({_COLUMNS}) FROM STDIN"
ADD_COPIED: Final = f"""
WITH fresh AS (
    SELECT debit_account_id, credit_account_id, date, amount FROM transactions_transaction
    WHERE entity_id = %(entity)s::uuid AND id >= %(first)s::uuid
),
{_add_aggregated()}
SELECT 1"""

# The page's floor: the same keyset SELECT, newest first, a transaction with its two accounts.
PAGE: Final = f"""
SELECT t.id, t.ledger_id, t.debit_account_id, t.credit_account_id, t.timestamp, t.created_at, t.updated_at,
    t.posted_at, t.expires_at, t.journal_entry_id, t.reverses_id, t.reversed_by_id, t.reclassifies_id, t.date,
    t.amount, t.currency, t.status, t.external_id, t.counterparty, t.description, t.metadata,
    d.name AS debit_name, d.type AS debit_type, d.financial_type AS debit_financial_type,
    d.sub_type_code AS debit_code, c.name AS credit_name, c.type AS credit_type,
    c.financial_type AS credit_financial_type, c.sub_type_code AS credit_code
FROM (
    SELECT * FROM transactions_transaction
    WHERE entity_id = %(entity)s::uuid
        AND {hour_of("timestamp")} <= (SELECT {hour_of("%(timestamp)s::timestamptz")})
        AND (timestamp, id) < (SELECT %(timestamp)s::timestamptz, %(id)s::uuid)
    ORDER BY {hour_of("timestamp")} DESC, timestamp DESC, id DESC LIMIT 51
) t
JOIN accounts_account d ON d.entity_id = t.entity_id AND d.id = t.debit_account_id
JOIN accounts_account c ON c.entity_id = t.entity_id AND c.id = t.credit_account_id
ORDER BY t.timestamp DESC, t.id DESC"""

BALANCE: Final = """
SELECT sum(debits_pending), sum(debits_posted), sum(credits_pending), sum(credits_posted)
FROM accounts_accountbalance WHERE entity_id = %(entity)s::uuid AND account_id = %(account)s::uuid"""

# Tables of the same columns with a primary key and nothing else.
BARE_TABLES: Final = """
CREATE SCHEMA IF NOT EXISTS bare;
CREATE TABLE IF NOT EXISTS bare.transactions_transaction (
    LIKE transactions_transaction, PRIMARY KEY (entity_id, id));
CREATE TABLE IF NOT EXISTS bare.accounts_accountbalance (
    LIKE accounts_accountbalance, PRIMARY KEY (entity_id, account_id, slot));
CREATE TABLE IF NOT EXISTS bare.accounts_accountday (
    LIKE accounts_accountday, PRIMARY KEY (entity_id, account_id, date, slot));
CREATE TABLE IF NOT EXISTS bare.accounts_accountmonth (
    LIKE accounts_accountmonth, PRIMARY KEY (entity_id, account_id, month, slot))"""


def for_pgbench(sql: str, *, entity: str, ledger: str, accounts: int, id_of_account: str) -> str:
    """Floor A as a pgbench script. `id_of_account` is SQL that makes an account's id of its number `{n}`."""
    values = {
        "entity": f"'{entity}'",
        "ledger": f"'{ledger}'",
        "id": "uuidv7()",
        "slot": "(:client_id % 8)",
        "debit": id_of_account.format(n=":debit"),
        "credit": id_of_account.format(n=":credit"),
        "amount": "(:cents / 100.0)",
        "now": "now()",
        "date": "current_date",
        "counterparty": "'Office Supplies'",
        "description": "'Office supplies, order 4711'",
    }
    for name, value in values.items():
        sql = sql.replace(f"%({name})s", value)
    return (
        f"\\set debit random(1, {accounts})\n"
        f"\\set credit 1 + (:debit + random(0, {accounts} - 2)) % {accounts}\n"
        "\\set cents random(1, 100000)\n" + " ".join(sql.split()) + ";\n"
    )
