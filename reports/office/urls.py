from django.urls import URLPattern, path

from reports.office.dashboard import CompaniesPage, Dashboard

urlpatterns: list[URLPattern] = [
    path("", CompaniesPage.as_view(), name="companies"),
    path("<company:company>/", Dashboard.as_view(), name="dashboard"),
]
