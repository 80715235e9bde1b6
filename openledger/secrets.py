"""Secrets that the machine makes for itself where the operator has given none."""

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def kept_secret(folder: Path, name: str, *, fernet: bool = False) -> str:
    """The secret kept in `folder/secrets/name`, made at the first call and readable by its owner only.

    `fernet` makes a key of the form that `cryptography.fernet` wants. Two processes that start at
    once agree: the file appears whole under its name or not at all, and the first one wins.
    """
    path = folder / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = Fernet.generate_key().decode() if fernet else secrets.token_urlsafe(48)
        draft = path.with_name(f".{name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(made)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
