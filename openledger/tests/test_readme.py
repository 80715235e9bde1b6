"""The README says what is so."""

import re
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
README = (ROOT / "README.md").read_text()


def test_every_setting_that_is_read_from_the_environment_stands_in_the_table() -> None:
    sources = {
        "openledger/settings.py": r"""env\.\w+\(\s*["']([A-Z_]+)""",
        "openledger/embedded.py": r'environ(?:\.get\(|\[)"([A-Z_]+)"',
        "openledger/running.py": r'environ(?:\.get\(|\[)"([A-Z_]+)"',
        "Procfile": r"\$\{?([A-Z_]+)",
    }
    read = {name for file, form in sources.items() for name in re.findall(form, (ROOT / file).read_text())}
    # Set by `make run` for its own processes, and by the test framework and CI.
    read -= {"DJANGO_SETTINGS_MODULE", "OPENLEDGER_RUN", "CI"}

    table = README.split("## Settings")[1].split("## ")[0]
    documented = set(re.findall(r"`([A-Z][A-Z_]+)`", table))

    assert read - documented == set()
    assert documented - read == set()


def test_every_command_of_the_project_is_named() -> None:
    ours = {
        name
        for name, app in get_commands().items()
        if app in {"openledger", "ledger", "accounts", "transactions", "reports", "banking", "ai"}
    }

    assert {name for name in ours if name not in README} == set()


def test_every_page_that_is_linked_exists() -> None:
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", README)

    assert [target for target in linked if not (ROOT / target).exists()] == []
