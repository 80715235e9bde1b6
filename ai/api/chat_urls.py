"""Addresses of questions, and of the summaries of months."""

from django.urls import URLPattern, URLResolver, path

from ai.api.chat_views import ChatView
from ai.api.summary_views import SummariesView

urlpatterns: list[URLPattern | URLResolver] = [
    path("transactions/chat", ChatView.as_view()),
    path("ai/summaries", SummariesView.as_view()),
]
