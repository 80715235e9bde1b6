"""Addresses of rules."""

from django.urls import path

from banking.api import rule_views as views

urlpatterns = [
    path("banks/rules", views.Rules.as_view()),
    path("banks/rules/apply", views.ApplyRules.as_view()),
    path("banks/rules/<str:rule_id>", views.RuleView.as_view()),
    path("banks/rules/<str:rule_id>/applications", views.RuleApplications.as_view()),
]
