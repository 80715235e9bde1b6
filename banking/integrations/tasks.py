"""Background work of integrations."""

from uuid import UUID

from banking.choices import IntegrationProvider, IntegrationStatus
from banking.integrations.connecting import IMPORT_TASK
from banking.integrations.exceptions import NAMES
from banking.integrations.importing import import_integration
from banking.models import Integration
from banking.providers.base import ProviderDownError
from ledger.background import TaskRun, background_task
from ledger.exceptions import ConflictError, LedgerError


@background_task(IMPORT_TASK, retry_on=(ProviderDownError,))
def run_import(run: TaskRun) -> str:
    """Read what the other program has into the books; begun again, it goes on where it was."""
    id_ = UUID(run.arguments["integration_id"])
    integration = Integration.objects.filter(entity_id=run.entity.id, id=id_).first()
    if integration is None:
        raise ConflictError("The integration is gone.")
    run.progress(message=f"Reading from {NAMES[IntegrationProvider(integration.provider)]}")
    try:
        state = import_integration(
            entity=run.entity,
            integration=integration,
            actor=run.actor,
            progress=lambda entries: run.progress(done=entries),
        )
    except LedgerError as error:
        # Where the person looks who has to do something about it.
        Integration.objects.filter(entity_id=run.entity.id, id=id_).exclude(
            status=IntegrationStatus.DISCONNECTED
        ).update(error_message=error.message[:500])
        raise
    return state.summary[:500]
