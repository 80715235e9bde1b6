"""What the models of this app keep of a company; all of it can be computed again from the books."""

from ai.models.categories import (
    CategoryModel,
    ConfirmedTransaction,
    Suggestion,
    SuggestionSettings,
    SuggestionStatus,
    Wording,
)
from ai.models.documents import Document, DocumentSource, DocumentState, SourceType
from ai.models.summaries import Summary

__all__ = [
    "CategoryModel",
    "ConfirmedTransaction",
    "Document",
    "DocumentSource",
    "DocumentState",
    "SourceType",
    "Suggestion",
    "SuggestionSettings",
    "SuggestionStatus",
    "Summary",
    "Wording",
]
