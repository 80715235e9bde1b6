"""Which statements of a page read the transactions, and how PostgreSQL means to find them."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.db import fetch

TABLE = "transactions_transaction"


def plans_of_page(session: str, path: str) -> tuple[int, list[str]]:
    """How many plans there are of a page's statements that read transactions, and the statements among them
    with a plan that reads the whole table. The page is made in this process, for the person of the session.

    A statement that stays prepared has two: for its present values, and the one for any values that
    PostgreSQL may go over to.
    """
    client = Client(HTTP_HOST="127.0.0.1")
    client.cookies[settings.SESSION_COOKIE_NAME] = session
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    count, scanning = 0, []
    for query in queries.captured_queries:
        if TABLE in query["sql"]:
            for plan in _plans(query):
                count += 1
                if any(_is_scan(node) for node in _nodes(plan)):
                    scanning.append(query["sql"])
    return count, scanning


def _plans(query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    sql, params = query["sql"], query.get("params")
    if params is None:
        # The values stand in the text.
        yield _plan("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), ())
        return
    yield _plan("EXPLAIN (FORMAT JSON) " + sql, params)
    names: dict[str, str] = {}
    numbered = re.sub(r"%\((\w+)\)s", lambda match: names.setdefault(match[1], f"${len(names) + 1}"), sql)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (GENERIC_PLAN, FORMAT JSON) " + numbered.replace("%%", "%"))
        yield _read(cursor.fetchone()[0])


def _plan(sql: str, params: Any) -> dict[str, Any]:
    return _read(fetch(sql, params)[0][0])


def _read(plan: Any) -> dict[str, Any]:
    found: dict[str, Any] = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _is_scan(node: dict[str, Any]) -> bool:
    return node.get("Relation Name") == TABLE and "Seq Scan" in node["Node Type"]
