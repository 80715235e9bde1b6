"""The address of sandbox companies."""

from django.urls import path

from banking.api import sandbox_views as views

urlpatterns = [path("sandbox", views.Sandbox.as_view())]
