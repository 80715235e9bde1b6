#!/usr/bin/env python
"""The operators' door to the books: `python manage.py help` lists what it can do."""

import os
import sys

from openledger import embedded


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openledger.settings")
    embedded.start()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
