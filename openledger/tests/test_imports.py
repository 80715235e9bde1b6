"""What a web worker loads at its start: each of them has all of it in memory for good."""

import subprocess
import sys

import pytest

from openledger import embedded

# Each is wanted by few requests or by none, and is imported by the function that wants it.
HEAVY = frozenset(
    {"authlib", "django_extensions", "faker", "joserfc", "jsonschema", "lxml", "mt940", "numpy", "ofxtools"}
    | {"openpyxl", "pandas", "pydantic", "pygments", "pytest", "python_calamine", "re2", "requests", "rich"}
    | {"sklearn", "scipy", "tqdm", "typst", "urllib3", "xlsxwriter"}
)
START = """
import sys
import openledger.wsgi
print(*sorted(set(name.partition(".")[0] for name in sys.modules)))
"""


def run(program: str) -> list[str]:
    """The words that `program` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=embedded.PROJECT_DIRECTORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_a_web_worker_starts_without_what_few_requests_want() -> None:
    loaded = set(run(START))

    # The whole application is there.
    assert {"accounts", "banking", "django", "ledger", "reports", "rest_framework", "transactions"} <= loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("name", ["requests", "rich", "pygments"])
def test_what_was_kept_from_the_start_can_be_imported_afterwards(name: str) -> None:
    assert run(f"import openledger.wsgi, {name}; print({name}.__name__)") == [name]
