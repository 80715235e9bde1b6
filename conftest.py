"""What every test stands on: an embedded PostgreSQL and Redis of the tests' own, apart from `make run`."""

import os
from pathlib import Path

os.environ.setdefault("OPENLEDGER_VAR", str(Path(__file__).parent / "var" / "test"))

from openledger import embedded  # noqa: E402

embedded.start()
