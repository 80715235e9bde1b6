"""How a table says whose rows it holds, and the keys that keep companies apart in the database.

Every table is one of three kinds: TENANT (rows of one company), GLOBAL (developers, keys) or LOCAL
(Django's own). Tenant tables can later be spread over machines by company, so each unique constraint
of theirs begins with the company's id, and a reference from one tenant row to another carries that id
too: no row can point into another company's books, whatever SQL is run.
"""

from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.backends.ddl_references import Statement

from ledger.ids import new_id


class TableKind(models.TextChoices):
    TENANT = "tenant"
    GLOBAL = "global"
    LOCAL = "local"


class _DatabaseConstraint(models.BaseConstraint):
    """A constraint that the database alone checks; Django only writes it into migrations.

    (Django's stubs give the SQL methods types that Django's own constraints don't have, hence `Any`.)
    """

    def validate(self, model: Any, instance: Any, exclude: Any = None, using: str = "default") -> None:
        """Nothing to do before saving: services translate what the database refuses."""

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        # These reach across tables or replace what CREATE TABLE wrote, so they follow after it.
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(name)s",
            table=schema_editor.quote_name(model._meta.db_table),
            name=schema_editor.quote_name(self.name),
        )

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _DatabaseConstraint):
            return self.deconstruct() == other.deconstruct()
        return NotImplemented

    __hash__ = models.BaseConstraint.__hash__

    @staticmethod
    def columns(model: type[models.Model], fields: tuple[str, ...]) -> str:
        return ", ".join(str(model._meta.get_field(field).column) for field in fields)  # type: ignore[union-attr]


class TenantPrimaryKey(_DatabaseConstraint):
    """Makes the table's primary key `(entity_id, id)`, where Django would have made it `(id)`.

    To the ORM and the admin `id` stays the primary key: a UUIDv7 is unique on its own.
    """

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        table = model._meta.db_table
        return Statement(
            "ALTER TABLE %(table)s DROP CONSTRAINT %(old)s,"
            " ADD CONSTRAINT %(name)s PRIMARY KEY (entity_id, id)",
            table=schema_editor.quote_name(table),
            old=schema_editor.quote_name(f"{table}_pkey"),
            name=schema_editor.quote_name(self.name),
        )


class CompositeForeignKey(_DatabaseConstraint):
    """A foreign key over several columns, the company's id first, checked at once.

    `fields` of this model refer to `to_fields` of the model `to` ("app_label.ModelName"), which must
    carry a unique constraint over them. Deleting a row that is referred to is refused. With
    `follow_updates` a change of the referred columns changes the referring ones too.

    The ORM sees an ordinary ForeignKey with `db_constraint=False` beside it.
    """

    def __init__(
        self,
        *,
        fields: tuple[str, ...],
        to: str,
        to_fields: tuple[str, ...],
        name: str,
        follow_updates: bool = False,
    ) -> None:
        super().__init__(name=name)
        self.fields, self.to, self.to_fields = tuple(fields), to, tuple(to_fields)
        self.follow_updates = follow_updates

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        target = model._meta.apps.get_model(self.to)
        return Statement(
            "ALTER TABLE %(table)s ADD CONSTRAINT %(name)s FOREIGN KEY (%(columns)s)"
            " REFERENCES %(target)s (%(target_columns)s) ON DELETE RESTRICT%(on_update)s",
            table=schema_editor.quote_name(model._meta.db_table),
            name=schema_editor.quote_name(self.name),
            columns=self.columns(model, self.fields),
            target=schema_editor.quote_name(target._meta.db_table),
            target_columns=self.columns(target, self.to_fields),
            on_update=" ON UPDATE CASCADE" if self.follow_updates else "",
        )

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        kwargs |= {"fields": self.fields, "to": self.to, "to_fields": self.to_fields}
        if self.follow_updates:
            kwargs["follow_updates"] = True
        return path, args, kwargs


class TenantModel(models.Model):
    """A row of one company. Concrete models add `TenantPrimaryKey` to their constraints."""

    table_kind = TableKind.TENANT

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # No index of its own: every index of a tenant table that serves a read begins with it already.
    # No foreign key of its own either: a ledger refers to its company, an account to its ledger, and
    # everything else to an account, so the company is proved by those, at no cost on the hot path.
    entity = models.ForeignKey(
        "ledger.Entity",
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        editable=False,
    )

    class Meta:
        abstract = True
