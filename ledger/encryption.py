"""Secrets at rest (tax numbers, bank access tokens): Fernet, AES-128-CBC with HMAC-SHA-256.

https://github.com/fernet/spec. The first of FIELD_ENCRYPTION_KEYS encrypts, all of them decrypt: to rotate,
put a new key in front, save the rows again, and drop the old key.
"""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    """Return `text` encrypted, as URL-safe text; twice the same text gives two results."""
    return encrypt_bytes(text.encode()).decode()


def decrypt(token: str) -> str:
    """Return what `encrypt` was given. Raises RuntimeError where no configured key fits."""
    return decrypt_bytes(token.encode()).decode()


def encrypt_bytes(data: bytes) -> bytes:
    """Return `data` encrypted."""
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(data)


def decrypt_bytes(token: bytes) -> bytes:
    """Return what `encrypt_bytes` was given. Raises RuntimeError where no configured key fits."""
    try:
        return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(token)
    except InvalidToken:
        raise RuntimeError(
            "A stored secret was encrypted with a key that FIELD_ENCRYPTION_KEYS lacks; add it at the end."
        ) from None
