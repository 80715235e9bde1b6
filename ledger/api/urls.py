"""The addresses of tokens, developers, companies and background work, below /v1/."""

from django.urls import URLPattern, path

from ledger.api import developer_views, entity_views, task_views, token_views
from ledger.api import schema as schema  # describes the bearer token to the API's description

urlpatterns: list[URLPattern] = [
    path("auth/tokens", token_views.Tokens.as_view()),
    path("auth/developer-token", token_views.DeveloperTokens.as_view()),
    path("auth/entity-token", token_views.EntityTokens.as_view()),
    path("developers/auth/generate-token", token_views.OlderDeveloperTokens.as_view()),
    path("entities/auth/generate-token", token_views.OlderEntityTokens.as_view()),
    path("developers", developer_views.Developers.as_view()),
    path("developers/me", developer_views.Me.as_view()),
    path("developers/api-keys", developer_views.Keys.as_view()),
    path("developers/api-keys/<str:key_id>", developer_views.Key.as_view()),
    path("developers/api-keys/<str:key_id>/rotate", developer_views.KeyRotation.as_view()),
    path("entities", entity_views.Entities.as_view()),
    path("entities/developer-entities", entity_views.DeveloperEntities.as_view()),
    path("entities/settings", entity_views.Settings.as_view()),
    path("tasks", task_views.Tasks.as_view()),
    path("tasks/<str:task_id>", task_views.Task.as_view()),
]
