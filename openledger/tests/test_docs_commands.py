"""The commands that README and docs show work when they are pasted into a shell."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from openledger.tests.live import LiveEntity, LiveServer

pytestmark = pytest.mark.server

ROOT = Path(settings.BASE_DIR)
SHELL_SECONDS = 60


def commands_of(page: str) -> list[str]:
    """What a page shows with curl: each command, with the lines that go on."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for kind, block in blocks if kind in ("", "sh") for line in block.splitlines()]
    commands: list[str] = []
    for line in lines:
        if line.startswith(("curl ", "TOKEN=")):
            commands.append(line)
        elif line.startswith("  ") and commands:
            commands[-1] += "\n" + line
    return commands


def pasted(commands: list[str], server: LiveServer, entity: LiveEntity) -> list[Any]:
    """Run the commands in one shell, with the server, keys and accounts of the test in the place of those
    that the page was written with; returns what each printed, as JSON."""
    script = "\n".join(command + "; echo" for command in commands)
    script = script.replace("http://127.0.0.1:8000", server.base_url)
    script = re.sub(r"\bolk_[\w-]+", entity.developer.api_key, script)
    script = re.sub(r"\bdev_[0-9a-z]{26}", entity.developer.id, script)
    script = re.sub(r"\bentity_[0-9a-z]{26}", entity.id, script)
    named = dict.fromkeys(re.findall(r"\bacc_[0-9a-z]{26}", script))
    for account_id, code in zip(named, ("1010", "4010", "6010"), strict=False):
        script = script.replace(account_id, entity.accounts[code])
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=SHELL_SECONDS,
        check=False,
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BASE": server.base_url,
            "DEVELOPER": entity.developer.id,
            "KEY": entity.developer.api_key,
            "ENTITY": entity.id,
        },
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def test_the_lines_of_the_readme_work_when_pasted(live_server_process: LiveServer) -> None:
    server = live_server_process
    entity = server.entity(server.developer())

    listed, posted, balance = pasted(commands_of("README.md"), server, entity)

    assert listed == {"transactions": [], "nextCursor": None, "hasMore": False}
    assert (posted["transaction"]["amount"], posted["transaction"]["status"]) == (500, "PENDING")
    assert posted["transaction"]["description"] == "Invoice payment received"
    assert balance["account_id"] == posted["transaction"]["debitAccountId"]
    assert balance["balance"]["debits_pending"] == "500.00"
    assert set(balance) == {
        *("account_id", "balance", "net_balance", "currency", "as_of", "child_account_balances"),
    }


def test_the_first_calls_of_the_page_about_the_api_work_when_pasted(live_server_process: LiveServer) -> None:
    server = live_server_process
    entity = server.entity(server.developer())

    [listed] = pasted(commands_of("docs/api.md"), server, entity)

    assert listed == {"transactions": [], "nextCursor": None, "hasMore": False}


def test_the_operators_commands_of_the_readme_are_there(live_server_process: LiveServer) -> None:
    table = (ROOT / "README.md").read_text().split("## Commands")[1].split("\n## ")[0]
    names = set(re.findall(r"`(?:manage\.py )?([a-z_]{6,})`", table))
    printed = live_server_process.manage("help", "--commands")

    assert len(names) > 10
    assert names <= set(printed.split())
