"""The database's own catalogue proves the rules of tables (architecture, section 3, rules 1 to 3)."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from ledger.tenancy import TableKind
from transactions.models import Revision

pytestmark = pytest.mark.django_db

# The totals are known by what they are totals of: an id of their own would serve nobody.
NATURAL_KEYS = {
    "accounts_accountbalance": ["entity_id", "account_id", "slot"],
    "accounts_accountday": ["entity_id", "account_id", "date", "slot"],
    "accounts_accountmonth": ["entity_id", "account_id", "month", "slot"],
}
# Its rows are copies that outlive what they refer to.
WITHOUT_REFERENCES = {Revision}
# An account's key carries its ledger, so what refers to the account by both is of a ledger that is there.
PROVED_BY_ACCOUNT = {("transactions_transaction", "ledger_id"), ("banking_bankaccount", "ledger_id")}
GUARDS = {
    "transactions_transaction": {
        "transaction_insert",
        "transaction_final",
        "transaction_move",
        "transaction_update",
        "transaction_delete_final",
        "transaction_delete_period",
        "transaction_no_truncate",
        "transaction_reconciled_update",
        "transaction_reconciled_delete",
    },
    "transactions_revision": {"revision_no_update", "revision_no_delete", "revision_no_truncate"},
    "ledger_auditevent": {"auditevent_no_update", "auditevent_no_delete", "auditevent_no_truncate"},
    "ledger_entity": {"entity_leaving"},
    "accounts_account": {"account_tree", "account_insert", "account_type"},
    "banking_reconciliation": {
        "reconciliation_insert",
        "reconciliation_update",
        "reconciliation_delete",
        "reconciliation_no_truncate",
    },
    "banking_reconciledtransaction": {
        "reconciledtransaction_insert",
        "reconciledtransaction_no_update",
        "reconciledtransaction_delete",
        "reconciledtransaction_no_truncate",
    },
    "banking_bankaccount": {"bankaccount_ledger_account"},
}


def rows_of(sql: str, *params: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def our_models() -> list[type[models.Model]]:
    root = Path(settings.BASE_DIR)
    ours = [config for config in apps.get_app_configs() if Path(config.path).parent == root]
    return [model for config in ours for model in config.get_models() if model._meta.managed]


def kind_of(model: type[models.Model]) -> TableKind | None:
    return getattr(model, "table_kind", None)


def tenant_models() -> list[type[models.Model]]:
    return [model for model in our_models() if kind_of(model) is TableKind.TENANT]


def columns_of_constraint(table: str, kind: str) -> list[tuple[str, list[str], str, bool]]:
    """Constraints of that kind: name, columns in order, the table referred to, whether deferrable."""
    return rows_of(
        """
        SELECT c.conname,
            ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k(n, place)
                  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY k.place),
            coalesce(c.confrelid::regclass::text, ''), c.condeferrable
        FROM pg_constraint c WHERE c.conrelid = %s::regclass AND c.contype = %s
        """,
        table,
        kind,
    )


def by_table(model: type[models.Model]) -> str:
    return model._meta.db_table


def test_every_model_of_ours_says_whose_rows_it_holds() -> None:
    undeclared = [model.__name__ for model in our_models() if kind_of(model) not in set(TableKind)]
    assert undeclared == []
    # The catalogue is not looked at in vain: these are among what the tests below go through.
    assert {"transactions_transaction", "accounts_account", "ledger_ledger"} <= set(
        map(by_table, tenant_models())
    )


@pytest.mark.parametrize("table", sorted(map(by_table, tenant_models())))
def test_tenant_table_begins_with_its_company(table: str) -> None:
    columns = {
        name: (type_, nullable, default, identity)
        for name, type_, nullable, default, identity in rows_of(
            "SELECT column_name, data_type, is_nullable, column_default, is_identity"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
            table,
        )
    }
    assert columns["entity_id"][:2] == ("uuid", "NO")

    # No number comes from a sequence: ids are made in Python, whichever machine the row is on.
    for name, (_, _, default, identity) in columns.items():
        assert identity == "NO", name
        assert default is None or "nextval" not in default, name

    ((_, primary_key, _, _),) = columns_of_constraint(table, "p")
    if table in NATURAL_KEYS:
        assert "id" not in columns
        assert primary_key == NATURAL_KEYS[table]
    else:
        assert columns["id"][:2] == ("uuid", "NO")
        assert primary_key == ["entity_id", "id"]


@pytest.mark.parametrize("table", sorted(map(by_table, tenant_models())))
def test_unique_indexes_of_tenant_tables_begin_with_the_company(table: str) -> None:
    unique = rows_of(
        """
        SELECT i.indexrelid::regclass::text, a.attname FROM pg_index i
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = %s::regclass AND i.indisunique
        """,
        table,
    )
    assert unique
    assert {name: first for name, first in unique if first != "entity_id"} == {}


@pytest.mark.parametrize("model", tenant_models(), ids=by_table)
def test_references_between_tenant_rows_carry_the_company(model: type[models.Model]) -> None:
    references = [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and kind_of(field.related_model) is TableKind.TENANT
    ]
    keys = columns_of_constraint(model._meta.db_table, "f")
    if model in WITHOUT_REFERENCES:
        assert keys == []
        return
    for field in references:
        table = field.related_model._meta.db_table
        if (model._meta.db_table, field.column) in PROVED_BY_ACCOUNT:
            table = "accounts_account"
        found = [key for key in keys if field.column in key[1] and key[2] == table]
        assert found, f"{model.__name__}.{field.name} has no foreign key in the database"
        for name, columns, _, deferrable in found:
            assert columns[0] == "entity_id", name
            assert not deferrable, name
    # Nothing is checked late: a statement that breaks a reference fails at once.
    assert [name for name, _, _, deferrable in keys if deferrable] == []


@pytest.mark.parametrize("table", sorted(GUARDS))
def test_guards_stand_and_are_switched_on(table: str) -> None:
    standing = {
        name
        for (name,) in rows_of(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
            " AND tgenabled = 'O'",
            table,
        )
    }
    assert GUARDS[table] <= standing
