"""Whether this process answers, and whether all that it needs does."""

from collections.abc import Callable
from typing import Final

import redis
import structlog
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView

logger = structlog.get_logger(__name__)

REDIS_TIMEOUT_SECONDS: Final = 1.0


class NotReadyError(Exception):
    """A thing that the project needs is not there; the message says which step is missing."""


# Nothing here changes anything: another method is refused for what it is, not for want of a CSRF cookie.
@csrf_exempt
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer, which is all that a supervisor needs to know before it restarts the process."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where database, Redis and migrations are ready, else 503, with the state of each.

    Why one is not ready stands in the log, not in the answer, which needs no token.
    """
    states = {name: _state(name, check) for name, check in _CHECKS.items()}
    ready = all(state == "ok" for state in states.values())
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": states}, status=200 if ready else 503
    )


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the counters of this process, for Prometheus."""
    response: HttpResponse = ExportToDjangoView(request)
    return response


def check_database() -> None:
    """Raise a database error where the database does not answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_redis() -> None:
    """Raise a RedisError where Redis does not answer."""
    with redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    ) as client:
        client.ping()


def check_migrations() -> None:
    """Raise NotReadyError where the database is older than the code."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _ in plan)
        raise NotReadyError(f"migrations are missing: {names}; run 'manage.py migrate'")


_CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": check_database,
    "redis": check_redis,
    "migrations": check_migrations,
}


def _state(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseError, redis.RedisError, NotReadyError) as error:
        logger.warning("not_ready", check=name, reason=str(error))
        return "unavailable"
    return "ok"
