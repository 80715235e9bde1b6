"""Every command of the project explains itself and has a test."""

import re
from argparse import ArgumentParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import BaseCommand, get_commands, load_command_class

ROOT = Path(settings.BASE_DIR)
APPS = {"openledger", "ledger", "accounts", "transactions", "reports", "banking", "ai"}
OURS = sorted((name, str(app)) for name, app in get_commands().items() if app in APPS)
# What every command of Django has, too.
OF_DJANGO = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}
TESTS = "\n".join(file.read_text() for app in APPS for file in (ROOT / app).rglob("tests/**/test_*.py"))


def parser_of(name: str, app: str) -> ArgumentParser:
    return load_command_class(app, name).create_parser("manage.py", name)


@pytest.mark.parametrize(("name", "app"), OURS)
def test_a_command_explains_itself_and_each_of_its_arguments(name: str, app: str) -> None:
    parser = parser_of(name, app)

    assert len(parser.description or "") > 30
    own = [action for action in parser._actions if action.dest not in OF_DJANGO]
    assert [action.dest for action in own if not action.help] == []
    # What it prints for --help is what an operator reads.
    assert name in parser.format_help()


@pytest.mark.parametrize("name", [name for name, _ in OURS])
def test_a_command_has_a_test_that_runs_it(name: str) -> None:
    called = rf"""(?:call_command|run|manage)\(\s*["']{name}["']"""
    assert re.search(called, TESTS), f"write a test that runs {name}"
