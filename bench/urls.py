"""Ours and the floors', in one server."""

from django.urls import include, path

from bench import floor_views, report_views

urlpatterns = [
    path("v1/floor/transactions", floor_views.FloorPostView.as_view()),
    path("v1/floor/bulk", floor_views.FloorBulkView.as_view()),
    path("v1/floor/page", floor_views.FloorPageView.as_view()),
    path("v1/floor/balance", floor_views.FloorBalanceView.as_view()),
    path("v1/floor/roll-up", report_views.FloorRollUpView.as_view()),
    path("", include("openledger.urls")),
]
