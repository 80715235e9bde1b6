"""Background work of this app, loaded by the worker. The work itself is beside what it belongs to."""

from ai.chat import background as summaries  # noqa: F401
from ai.search import background as search_background  # noqa: F401
