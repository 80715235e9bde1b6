"""The second factor of the log-in: codes of an authenticator app (TOTP), and recovery codes for the day when
the telephone is gone."""

import hashlib
import math
import secrets
from base64 import b32decode, b32encode
from typing import Final
from urllib.parse import quote, urlencode

from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP

from ledger.actors import Actor
from ledger.choices import Outcome
from ledger.encryption import decrypt, encrypt
from ledger.exceptions import ConflictError, NotFoundError, ValidationError
from ledger.models import Authenticator, RecoveryCode, User
from ledger.services.people import record_person

ISSUER: Final = "Open Ledger"
STEP_SECONDS: Final = 30
DIGITS: Final = 6
# A telephone's clock may be half a minute off.
TOLERANCE_STEPS: Final = 1
RECOVERY_CODES: Final = 10
_KEY_BYTES: Final = 20
_RECOVERY_BYTES: Final = 10
# After so many wrong codes the pause between two tries grows no more (9 minutes then): whoever knows the
# password can guess little, and cannot shut its owner out for days.
_DOUBLED_TIMES: Final = 10
_NOT_SET_UP: Final = "There is no second factor to confirm; set it up first."


def begin_second_factor(*, user: User) -> Authenticator:
    """Make the key that the person's authenticator app is to read; it counts once a code of it was given.

    Raises ConflictError where the person has a second factor.
    """
    with transaction.atomic():
        _lock(user)
        found = Authenticator.objects.filter(user=user).first()
        if found is not None and found.confirmed:
            raise ConflictError("You have a second factor; remove it before you set up another.")
        if found is not None:
            found.delete()
        key = b32encode(secrets.token_bytes(_KEY_BYTES)).decode()
        made: Authenticator = Authenticator.objects.create(
            user=user,
            name="Authenticator app",
            confirmed=False,
            key_encrypted=encrypt(key),
            created_at=timezone.now(),
        )
        return made


def key_of(authenticator: Authenticator) -> str:
    """Return the key in base32, as a person types it into their app."""
    return decrypt(authenticator.key_encrypted)


def enrolment_uri(authenticator: Authenticator) -> str:
    """Return what the QR code says (https://github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    label = quote(f"{ISSUER}:{authenticator.user.get_username()}")
    values = {"secret": key_of(authenticator), "issuer": ISSUER, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{label}?{urlencode(values, quote_via=quote)}"


def confirm_second_factor(*, user: User, code: str, actor: Actor) -> list[str]:
    """Ask for a second factor from now on, once the app has shown that it has the key; return the recovery
    codes, which nobody can show a second time.

    Raises ValidationError for a wrong code, NotFoundError where nothing was begun.
    """
    with transaction.atomic():
        current = _lock(user)
        found = Authenticator.objects.filter(user=user, confirmed=False).first()
        if found is None:
            raise NotFoundError(_NOT_SET_UP)
        if not _fits(found, code):
            raise ValidationError.of("code", "is not the code that the app shows now; try the next one.")
        found.confirmed = True
        found.save()
        current.second_factor_since = user.second_factor_since = timezone.now()
        current.save(update_fields=["second_factor_since"])
        record_person(actor, "second_factor_added", current)
        return _new_codes(found)


def check_second_factor(*, user: User, code: str, actor: Actor) -> None:
    """Take a code of the app, or a recovery code, which is used up then.

    Raises ValidationError for a wrong one and while the pause after wrong ones lasts; both are recorded.
    """
    with transaction.atomic():
        _lock(user)
        found = Authenticator.objects.filter(user=user, confirmed=True).first()
        if found is None:
            raise NotFoundError(_NOT_SET_UP)
        allowed, why = found.verify_is_allowed()
        if not allowed:
            seconds = math.ceil((why["locked_until"] - timezone.now()).total_seconds())
            fault = f"cannot be taken yet after {found.throttling_failure_count} wrong ones; "
            fault += f"try again in {max(seconds, 1)} seconds."
        elif _fits(found, code):
            found.throttle_reset(commit=True)
            record_person(actor, "code_accepted", user, after={"kind": "app"})
            return
        elif _use_recovery_code(found, code):
            found.throttle_reset(commit=True)
            left = found.recovery_codes.count()
            record_person(actor, "code_accepted", user, after={"kind": "recovery", "left": left})
            return
        else:
            found.throttle_increment(commit=False)
            found.throttling_failure_count = min(found.throttling_failure_count, _DOUBLED_TIMES)
            found.save()
            fault = "is not right; give the one that your app shows now, or a recovery code."
        record_person(actor, "code_refused", user, outcome=Outcome.REFUSED)
    # After the record is committed.
    raise ValidationError.of("code", fault)


def renew_recovery_codes(*, user: User, actor: Actor) -> list[str]:
    """Make new recovery codes; the former ones work no more."""
    with transaction.atomic():
        _lock(user)
        found = Authenticator.objects.filter(user=user, confirmed=True).first()
        if found is None:
            raise NotFoundError(_NOT_SET_UP)
        record_person(actor, "recovery_codes_renewed", user)
        return _new_codes(found)


def remove_second_factor(*, user: User, actor: Actor) -> None:
    """Ask the person for no second factor any more. Raises NotFoundError where they have none."""
    with transaction.atomic():
        current = _lock(user)
        found = Authenticator.objects.filter(user=user, confirmed=True).first()
        if found is None:
            raise NotFoundError(f"{user.get_username()} has no second factor.")
        found.delete()
        current.second_factor_since = user.second_factor_since = None
        current.save(update_fields=["second_factor_since"])
        record_person(actor, "second_factor_removed", current)


def _lock(user: User) -> User:
    """One after the other: of two calls with the same code, one is told that it was used."""
    return User.objects.select_for_update().get(pk=user.pk)


def _fits(authenticator: Authenticator, code: str) -> bool:
    """Whether the app shows the code about now; it fits no second time. The caller saves."""
    digits = code.replace(" ", "")
    if len(digits) != DIGITS or not digits.isascii() or not digits.isdigit():
        return False
    totp = TOTP(b32decode(key_of(authenticator)), STEP_SECONDS, 0, DIGITS, authenticator.drift)
    if not totp.verify(int(digits), TOLERANCE_STEPS, authenticator.last_step + 1):
        return False
    authenticator.last_step, authenticator.drift = totp.t(), totp.drift
    return True


def _new_codes(authenticator: Authenticator) -> list[str]:
    authenticator.recovery_codes.all().delete()
    codes = [b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(authenticator=authenticator, code_hash=_hash(code)) for code in codes
    )
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def _use_recovery_code(authenticator: Authenticator, code: str) -> bool:
    plain = code.replace("-", "").replace(" ", "").lower()
    deleted, _ = authenticator.recovery_codes.filter(code_hash=_hash(plain)).delete()
    return bool(deleted)


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
