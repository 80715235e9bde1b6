"""Answers that come as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from typing import Any, Final

EVENT_STREAM: Final = "text/event-stream"
# One event, as clients see it: its data is JSON in a string.
EVENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
}
