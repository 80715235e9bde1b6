"""The back office writes by the services alone: no admin class, page or form goes past them.

Looked at are every admin class there is, and the source of every module of the back office.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse

from ledger.actors import SYSTEM
from ledger.choices import Role
from ledger.services.memberships import grant_membership
from ledger.tests.helpers import make_developer, make_entity
from ledger.tests.office import make_person
from openledger.back_office import OF_COMPANY, OF_INSTALLATION, Item

ROOT: Final = Path(settings.BASE_DIR)
APPS: Final = ("ledger", "accounts", "transactions", "banking", "reports", "ai", "openledger")
WINDOWS = sorted(admin.site._registry.items(), key=lambda one: one[0]._meta.label)
# What writes rows, however it is reached; and what runs SQL.
WRITES: Final = {
    "save", "save_base", "delete", "update", "create", "bulk_create", "bulk_update", "get_or_create",
    "update_or_create", "raw", "extra", "execute", "executemany", "copy", "cursor",
    "asave", "adelete", "aupdate", "acreate", "abulk_create", "abulk_update", "aget_or_create",
}  # fmt: skip
# Whose methods of these names are no rows': the cache's, and a page's own, which are looked at themselves.
NO_ROWS: Final = {"cache", "self"}
# Reading in SQL is allowed, by these alone.
READS: Final = {"fetch", "compact", "uuid_array", "slot"}
SQL_NAMES: Final = {"connection", "connections", "RawSQL"}
WRITING_SQL: Final = re.compile(
    r"\b(INSERT\s+INTO|UPDATE\s+\S+\s+(AS\s+\w+\s+)?SET|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO|ALTER|DROP)\s",
    re.I,
)


def modules() -> list[Path]:
    """The source of the back office: pages, forms, windows."""
    found = {
        file
        for app in APPS
        for file in (ROOT / app).rglob("*.py")
        if ("office" in file.relative_to(ROOT).parts[1:-1] or file.name.endswith("admin.py"))
        and "tests" not in file.parts
    }
    return sorted(found)


def writes_in(source: str) -> Iterator[str]:
    """Say where the source writes, or runs SQL that may."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            of = node.func.value
            if not (isinstance(of, ast.Name) and of.id in NO_ROWS):
                yield f"line {node.lineno}: .{node.func.attr}("
        elif isinstance(node, ast.ImportFrom) and not may_import(node):
            yield f"line {node.lineno}: imports what runs SQL"
        elif isinstance(node, ast.Constant) and WRITING_SQL.search(str(node.value)):
            yield f"line {node.lineno}: SQL that writes"


def may_import(node: ast.ImportFrom) -> bool:
    names = {one.name for one in node.names}
    module = node.module or ""
    if module == "ledger.db":
        return names <= READS
    if module == "ledger":
        return "db" not in names
    return not module.startswith("psycopg") and not (module.startswith("django.db") and names & SQL_NAMES)


def test_the_source_of_the_back_office_is_looked_at() -> None:
    names = {str(file.relative_to(ROOT)) for file in modules()}

    assert {"ledger/admin.py", "ledger/office/people.py", "banking/feeds_admin.py"} <= names
    assert len(names) > 30
    assert list(writes_in("Account.objects.filter(pk=1).update(name='x')"))
    assert list(writes_in("from django.db import connection"))
    assert list(writes_in("row.save()"))
    assert list(writes_in("from ledger.db import execute"))
    assert list(writes_in("SQL = 'UPDATE accounts_account SET name = 1'"))
    assert not list(writes_in("from ledger.db import fetch\nfetch('SELECT 1')\ncache.delete('key')"))
    assert not list(writes_in("close_account(entity=entity, account=account, actor=actor)"))


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_of_the_back_office_writes_by_itself(file: Path) -> None:
    assert list(writes_in(file.read_text())) == []


class Everything:
    """Somebody who may do as much as anybody: a superuser who owns a company."""

    def __init__(self) -> None:
        user = make_person("all", superuser=True)
        entity = make_entity(make_developer().developer)
        grant_membership(user=user, entity=entity, role=Role.OWNER, actor=SYSTEM)
        self.request: Any = RequestFactory().get("/admin/")
        self.request.user = user


def own_method(window: Any, name: str) -> bool:
    """Whether the window has a method of ours, which does not hand the row on to Django's."""
    method = getattr(type(window), name)
    if not method.__module__.startswith(APPS):
        return False
    return f"super().{name}" not in inspect.getsource(method)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "window"), WINDOWS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_window_that_saves_does_so_by_a_service(model: type[Model], window: Any) -> None:
    request = Everything().request
    may = {name for name in ("add", "change", "delete") if getattr(window, f"has_{name}_permission")(request)}

    if may & {"add", "change"}:
        assert own_method(window, "save_model"), f"{window} saves {model.__name__} as Django does"
    if "delete" in may:
        assert own_method(window, "delete_model"), f"{window} deletes {model.__name__} as Django does"
        assert own_method(window, "delete_queryset"), f"{window} deletes many as Django does"
    # What is edited in the list, or below another row, takes other ways to be saved.
    assert not window.list_editable
    for inline in window.get_inline_instances(request):
        for name in ("add", "change", "delete"):
            assert not getattr(inline, f"has_{name}_permission")(request), f"{inline} writes by itself"


@pytest.mark.django_db
def test_some_windows_save_and_every_window_was_looked_at() -> None:
    request = Everything().request
    saving = [model.__name__ for model, window in WINDOWS if window.has_change_permission(request)]

    assert "Entity" in saving
    assert len(WINDOWS) >= 10
    # Those of other packages would write as Django does.
    assert {model._meta.app_label for model, _ in WINDOWS} <= set(APPS)


def items() -> list[Item]:
    return [item for _, group in OF_COMPANY for item in group] + list(OF_INSTALLATION)


@pytest.mark.parametrize("item", items(), ids=lambda item: item.name)
def test_every_line_of_the_sidebar_leads_somewhere(item: Item) -> None:
    if item.window:
        assert reverse(f"admin:{item.name}_changelist")
    else:
        assert reverse(f"office:{item.name}", kwargs={"company": f"entity_{'0' * 26}"})
