"""Training the linear model in the background, as answers come in."""

from typing import Final

from ai.categories.confirmed import count_confirmed, examples_of
from ledger.actors import SYSTEM
from ledger.background import start_task
from ledger.clock import utc_now
from ledger.db import execute, fetch
from ledger.models import Entity

TASK: Final = "ai.learn_categories"
# So many answers there must be before a model is trained.
_EXAMPLES_MIN: Final = 5
# Trained again when so many are new: neighbours know each at once, the model can wait for a few.
_NEW_MIN: Final = 5
_NEW_SHARE: Final = 0.02

_TRAINED: Final = """
SELECT m.trained_on, (
    SELECT count(*) FROM ai_confirmedtransaction k
    WHERE k.entity_id = m.entity_id AND (m.trained_at IS NULL OR k.confirmed_at > m.trained_at)
)
FROM ai_categorymodel m WHERE m.entity_id = %(entity)s::uuid
"""
_KEEP: Final = """
UPDATE ai_categorymodel SET stored = %(stored)s::bytea, trained_at = %(now)s::timestamptz,
    trained_on = %(examples)s::int
WHERE entity_id = %(entity)s::uuid
"""


def start_learning(entity: Entity) -> None:
    """Let a worker take in what people said, and train the model where that is worth it."""
    start_task(entity=entity, name=TASK, key="learn", actor=SYSTEM)


def train(entity: Entity, *, anyway: bool = False) -> int:
    """Train the model on the company's confirmed transactions, and return on how many; 0 where too few are
    new, unless it is wanted `anyway`. Safe to run twice: the same answers give the same model."""
    rows = fetch(_TRAINED, {"entity": entity.id})
    trained_on, new = rows[0] if rows else (0, 0)
    confirmed = count_confirmed(entity)
    # A correction is new without being one more; what was deleted is one less without being new.
    is_due = max(new, abs(confirmed - trained_on)) >= max(_NEW_MIN, _NEW_SHARE * confirmed)
    if confirmed < _EXAMPLES_MIN or not (is_due or anyway):
        return 0
    # numpy only here: a web worker starts tasks and runs none.
    from ai.categories.learned import learn
    from ai.categories.prior.words import shipped_prior

    # Before they are read, so that what is said meanwhile counts as new.
    now = utc_now()
    examples = examples_of(entity)
    stored = learn(examples, shipped_prior()).to_bytes()
    execute(_KEEP, {"entity": entity.id, "stored": stored, "now": now, "examples": confirmed})
    return len(examples)
