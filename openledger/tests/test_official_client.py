"""The official Python client works against us unchanged, with only its base URL set."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from django.conf import settings

from openledger.tests.live import LiveServer

pytestmark = pytest.mark.server

HERE: Final = Path(__file__).parent / "official_client"
REQUIREMENTS: Final = HERE / "requirements.txt"
INSTALL_SECONDS: Final = 300
EXERCISE_SECONDS: Final = 120

# Types of answers whose every attribute must have had a value at least once, as far as one is ever sent.
FULL: Final = {
    "GetV1TransactionsResponse": {"transactions", "next_cursor", "has_more"},
    "GetV1TransactionsCounterpartiesResponse": {"success", "counterparties", "next_cursor", "has_more"},
    "GetV1TransactionsResponseTransactionsItem": {"category", "category_id", "account_type"},
    "GetV1TransactionsResponseTransactionsItemDebitAccount": {"code", "sub_type_code"},
    "GetV1TransactionsResponseTransactionsItemCreditAccount": {"code", "sub_type_code"},
    "PostV1TransactionsResponseTransaction": {"instance_id"},
    "GetV1CategoriesResponseCategoriesItem": {"instance_id", "financial_type", "code", "sub_type_code"},
    "PostV1CategoriesResponseCategory": {"sub_type_code"},
    "PutV1TransactionsApproveResponseResultsItem": {"transaction", "error"},
    "PostV1EntitiesResponseEntity": {
        "external_id",
        "legal_name",
        "tin",
        "us_state",
        "entity_type",
        "phone_number",
        "clerk_id",
        "date_created",
        "instance_id",
    },
}


@pytest.fixture(scope="session")
def client_python() -> Path:
    """The Python of the client's own virtual environment, which is made once for each set of versions."""
    directory = Path(settings.VAR_DIR) / "official_client"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    python, stamp = directory / "venv" / "bin" / "python", directory / "venv" / "made-of"
    # Test processes that run side by side wait here for the one that makes it.
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (stamp.exists() and stamp.read_text() == wanted):
            shutil.rmtree(directory / "venv", ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(directory / "venv")])
            install = ["install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)]
            _run([str(python), "-m", "pip", *install])
            stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def exercise(python: Path, server: LiveServer, *, is_async: bool) -> dict[str, Any]:
    """Run `official_client/exercise.py` as a developer of its own, and return its report."""
    developer = server.developer("Client Platform")
    asked = {
        "base_url": server.base_url,
        "developer_id": developer.id,
        "api_key": developer.api_key,
        "is_async": is_async,
    }
    # Beside the script there is no package of our own that the client's could be mistaken for.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(python), "-B", str(HERE / "exercise.py")],
        cwd=HERE,
        env=environ,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=EXERCISE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_everything_the_official_client_does_works_and_every_attribute_it_types_is_as_typed(
    client_python: Path, live_server_process: LiveServer, is_async: bool
) -> None:
    report = exercise(client_python, live_server_process, is_async=is_async)
    assert not report["faults"], "\n".join(report["faults"])

    # Nothing went unread: each of the client's types came up, with what only some records have, too.
    assert report["never_seen"] == []
    empty = {name: sorted(wanted - set(report["filled"][name])) for name, wanted in FULL.items()}
    assert {name: attributes for name, attributes in empty.items() if attributes} == {}
