"""What browsers are told about the pages."""

import pytest
from django.test import Client

from ledger.tests.office import OfficeClient, make_person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/admin/password_change/", "/docs", "/redoc"])
def test_pages_load_from_here_alone_and_stand_in_no_frame(path: str) -> None:
    client = Client() if path == "/admin/login/" else OfficeClient(make_person())

    answer = client.get(path)

    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["object-src"] == "'none'"
    assert policy["base-uri"] in ("'self'", "'none'")
    # No origin but our own, under whatever name.
    allowed = {source for sources in policy.values() for source in sources.split()}
    assert allowed <= {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "camera=()" in answer["Permissions-Policy"]


def test_pages_of_the_back_office_are_kept_by_no_cache() -> None:
    assert "no-store" in OfficeClient(make_person()).get("/admin/")["Cache-Control"]


def test_the_favicon_is_ours() -> None:
    page = Client().get("/admin/login/").content.decode()

    assert 'rel="icon" href="/static/office/favicon.svg"' in page
