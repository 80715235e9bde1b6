from django.urls import URLPattern, path

from ledger.office import installation, people, second_factor

_INSTALLATION = "installation"

urlpatterns: list[URLPattern] = [
    path("second-factor/", second_factor.SecondFactorPage.as_view(), name="second-factor"),
    path("second-factor/code/", second_factor.CodePage.as_view(), name="second-factor-code"),
    # Before Django's page at the same address.
    path("password_change/", second_factor.PasswordPage.as_view(), name="own-password"),
    path("<company:company>/people/", people.PeoplePage.as_view(), name="people"),
    path(f"{_INSTALLATION}/keys/new/", installation.NewKeyPage.as_view(), name="key-new"),
    path(f"{_INSTALLATION}/keys/<str:key>/rotate/", installation.RotateKeyPage.as_view(), name="key-rotate"),
    path(f"{_INSTALLATION}/keys/<str:key>/revoke/", installation.RevokeKeyPage.as_view(), name="key-revoke"),
    path(f"{_INSTALLATION}/developers/new/", installation.NewDeveloperPage.as_view(), name="developer-new"),
    path(f"{_INSTALLATION}/people/new/", installation.NewPersonPage.as_view(), name="person-new"),
    path(f"{_INSTALLATION}/people/<uuid:person>/", installation.PersonPage.as_view(), name="person"),
    path(
        f"{_INSTALLATION}/companies/<company:company>/people/",
        installation.MembersPage.as_view(),
        name="members",
    ),
]
