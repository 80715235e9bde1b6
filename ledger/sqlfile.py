"""SQL that stands in a file of its own beside the migration that runs it."""

from pathlib import Path

from django.db import migrations


def run_sql_file(migration_file: str, name: str) -> migrations.RunSQL:
    """A migration step that runs `sql/{name}.sql`, undone by `sql/{name}.undo.sql`, both beside
    `migration_file`."""
    folder = Path(migration_file).parent / "sql"
    return migrations.RunSQL(
        (folder / f"{name}.sql").read_text(), reverse_sql=(folder / f"{name}.undo.sql").read_text()
    )
