"""Files that commands write."""

from pathlib import Path

from django.core.management.base import CommandError


def write(path: Path, text: str) -> None:
    """Write the text to the file. Raises CommandError where that is not possible, with the reason."""
    try:
        path.write_text(text)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
