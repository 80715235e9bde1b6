"""schemathesis attacks the running server along its own description, with all of its checks."""

import json
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any, Final

import pytest

from openledger import embedded
from openledger.tests.live import LiveServer
from openledger.tests.valid_requests import all_operations

pytestmark = pytest.mark.server

SEED: Final = "4711"
EXAMPLES: Final = "10"  # of random requests per operation, besides those that cover each constraint
TIMEOUT_SECONDS: Final = 900


def test_schemathesis_finds_nothing(live_server_process: LiveServer, tmp_path: Path) -> None:
    cast = tmp_path / "cast.json"
    cast.write_text(json.dumps(cast_of(live_server_process)))

    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run"),
            f"{live_server_process.base_url}/v1/openapi.json",
            *("--checks", "all", "--seed", SEED, "--max-examples", EXAMPLES, "--continue-on-failure"),
            # The API refuses NUL in any text, which a schema of text cannot say.
            *("--generation-allow-x00", "false"),
            *("--no-color", "--warnings", "off"),
        ],
        cwd=tmp_path,
        env={
            **live_server_process.environ,
            "SCHEMATHESIS_HOOKS": "openledger.tests.schemathesis_hooks",
            "SCHEMATHESIS_CAST": str(cast),
            "PYTHONPATH": str(embedded.PROJECT_DIRECTORY),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )

    _, _, report = done.stdout.partition("= FAILURES =")
    assert done.returncode == 0, report or done.stdout
    # It did call each operation but the one that it reads the description from, with each kind of attack.
    count = len(all_operations()) - 1
    assert f"Selected: {count}/{count}" in done.stdout
    assert f"Tested: {count}" in done.stdout
    for phase in ("Examples", "Coverage", "Fuzzing", "Stateful"):
        assert re.search(rf"✅\s+{phase}", done.stdout), done.stdout


def cast_of(server: LiveServer) -> dict[str, Any]:
    """Tokens of developers and an operator, and ids of everything in the first developer's company."""
    entity = server.entity(server.developer("Attacked"))
    token, query = entity.developer.token, f"?entityId={entity.id}"
    # Whose companies are deleted.
    spare = server.developer("Spare")
    spares = [
        server.ok("POST", "/v1/entities", {"legalName": f"Spare {number}"}, token=spare.token)["entity"]["id"]
        for number in range(10)
    ]

    def post(path: str, body: Any) -> Any:
        return server.ok("POST", f"/v1/{path}{query}", body, token=token)

    def transactions(count: int, **more: Any) -> list[str]:
        one = {
            "amount": "12.50",
            "debitAccountId": entity.accounts["1010"],
            "creditAccountId": entity.accounts["4010"],
            "date": "2000-01-01",
            **more,
        }
        made = post("transactions/bulk", {"transactions": [one] * count})
        return [result["id"] for result in made["results"]]

    lines = [
        {"accountId": entity.accounts[code], "direction": side, "amount": "7.00"}
        for code, side in (("1010", "DEBIT"), ("4010", "CREDIT"))
    ]
    entry = post("journal-entries", {"description": "Sales", "lines": lines})["journalEntry"]["id"]
    rows = [{"name": "Till", "type": "ASSET", "financial_type": "CASH"}]
    imported = post("accounts/import", {"source": "json", "accounts": rows})["import_id"]
    keys = [post("developers/api-keys", {"name": f"Key {number}"})["apiKey"]["id"] for number in range(5)]
    account = f"/v1/accounts/{entity.accounts['1010']}{query}"
    ledger = server.ok("GET", account, token=token)["ledger_id"]
    statement = {
        "file": b64encode(b"Date,Description,Amount\n2024-01-22,Flour,-18.90\n").decode(),
        "ledgerAccountId": entity.accounts["1010"],
    }
    return {
        "statement_import": post("banks/statements", statement)["importId"],
        "tokens": {"any": token, "createDeveloper": server.admin_token, "deleteEntity": spare.token},
        "api_key": entity.developer.api_key,
        "cash": entity.accounts["1010"],
        "sales": entity.accounts["4010"],
        "spare_entities": spares,
        "to_categorize": transactions(5),
        "ids": {
            "entity": [entity.id],
            "dev": [entity.developer.id],
            "acc": list(entity.accounts.values()),
            "txn": transactions(150) + transactions(30, status="POSTED"),
            "jrn": [entry],
            "imp": [imported],
            "key": keys,
            "ldgr": [ledger],
        },
    }
