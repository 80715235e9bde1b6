"""What the models of this app keep of a company; all of it can be computed again from the books."""

from ai.models.documents import Document, DocumentSource, DocumentState, SourceType
from ai.models.summaries import Summary

__all__ = ["Document", "DocumentSource", "DocumentState", "SourceType", "Summary"]
