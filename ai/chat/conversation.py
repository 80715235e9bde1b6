"""A question and its answer: read, computed, worded."""

from typing import Any

from ai.chat import hosted
from ai.chat.answering import answer
from ai.chat.answers import body, worded
from ai.chat.hosted import Said
from ai.chat.reading import read_question
from ledger.exceptions import ConflictError
from ledger.models import Entity


def ask(entity: Entity, said: Said) -> dict[str, Any]:
    """Answer a question about the books of `entity`, and of no other company whatever the question says.

    Raises ConflictError where the company's assistant is switched off.
    """
    if not entity.smart_assistant:
        raise ConflictError(
            f"The assistant of {entity.public_id} is switched off; set smart_assistant to true in its "
            "settings "
            "(PUT /v1/entities/settings) to ask questions."
        )
    question = read_question(entity, said.prompt, history=said.history)
    query, unknown = question.query, question.not_understood
    read_by = worded_by = "rules"
    uses_model = hosted.is_on()
    if uses_model and (query is None or unknown):
        proposed = hosted.propose(entity, question, said)
        if proposed is not None:
            query, unknown, read_by = proposed, (), "model"
    found = answer(entity, query, today=question.calendar.today) if query is not None else None
    made = worded(found, unknown)
    text = made.text
    if uses_model and found is not None:
        wording = hosted.reworded(entity, said, found, text, made.interpretation)
        if wording is not None:
            text, worded_by = wording, "model"
    answered = body(entity, made, text=text)
    answered["parsed"] |= {"readBy": read_by, "wordedBy": worded_by}
    return answered
