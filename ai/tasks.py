"""Background work of this app, loaded by the worker. The work itself is beside what it belongs to."""

from ai.categories import background as categories  # noqa: F401
from ai.categories import training  # noqa: F401
from ai.chat import background as summaries  # noqa: F401
from ai.search import background as search_background  # noqa: F401
