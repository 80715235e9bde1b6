"""Who does a thing: carried from the door (API, admin, command, task) down to what is recorded."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ledger.choices import ActorKind


@dataclass(frozen=True, slots=True)
class Actor:
    """An API key, a person, a command or the system itself, and where the call came from."""

    kind: ActorKind
    # The API key's or the person's id; None for a command and the system.
    id: UUID | None = None
    # As people know them: the key's name, the person's user name, the command.
    label: str = ""
    address: str | None = None
    request_id: str = ""


SYSTEM: Final = Actor(ActorKind.SYSTEM, label="system")


def command_actor(name: str) -> Actor:
    """The operator who runs `manage.py {name}`."""
    return Actor(ActorKind.COMMAND, label=f"manage.py {name}")
