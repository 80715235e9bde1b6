"""Background work of the bottom app."""

from celery import shared_task

from ledger import idempotency


@shared_task(name="ledger.forget_idempotency_keys")  # type: ignore[untyped-decorator]
def forget_idempotency_keys() -> int:
    """Delete the idempotency keys that have served their time, and return how many; safe at any time."""
    return idempotency.forget_old()
