"""`manage.py prepare_demo`: made once, kept, and made anew where it is gone."""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import RequestFactory
from pytest_django import Settings

from ledger.actors import SYSTEM
from ledger.models import ApiKey, Developer, Entity, User
from ledger.services.entities import delete_entity
from ledger.services.keys import hash_secret, revoke_key

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.VAR_DIR = tmp_path
    return tmp_path / "demo.json"


def run(*options: str) -> str:
    out = StringIO()
    call_command("prepare_demo", *options, stdout=out)
    return out.getvalue()


def kept(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text()))


def test_the_first_run_makes_everything_and_says_how_to_use_it(file: Path) -> None:
    said = run()
    demo = kept(file)
    assert set(demo) == {"baseUrl", "developerId", "apiKey", "entityId", "adminUser", "adminPassword"}
    assert demo["baseUrl"] == "http://127.0.0.1:8000"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # The key is the developer's, and the person may do everything in the back office.
    assert (
        Developer.objects.get(api_keys__key_hash=hash_secret(demo["apiKey"])).public_id == demo["developerId"]
    )
    person = authenticate(
        RequestFactory().post("/admin/login/"), username=demo["adminUser"], password=demo["adminPassword"]
    )
    assert isinstance(person, User)
    assert person.is_superuser
    for shown in ("/docs", "/admin/"):
        assert demo["baseUrl"] + shown in said
    for name in ("developerId", "apiKey", "adminUser", "adminPassword"):
        assert demo[name] in said
    assert said.count("curl -s ") == 2


def test_later_runs_keep_it_and_learn_the_address(file: Path) -> None:
    run()
    before = kept(file)
    said = run("--base-url", "http://127.0.0.1:9000/")
    assert kept(file) == before | {"baseUrl": "http://127.0.0.1:9000"}
    assert "http://127.0.0.1:9000/docs" in said
    assert (Developer.objects.count(), Entity.objects.count(), User.objects.count()) == (1, 1, 1)


def test_another_database_gets_a_demo_of_its_own(file: Path) -> None:
    run()
    before = kept(file)
    delete_entity(entity=Entity.objects.get(), actor=SYSTEM)
    run()
    after = kept(file)
    assert after["developerId"] != before["developerId"]
    # The name of the old login is taken, and its password stays as it was.
    assert after["adminUser"] == "demo2"


def test_a_key_and_a_login_that_are_gone_are_made_anew(file: Path) -> None:
    run()
    before = kept(file)
    revoke_key(key=ApiKey.objects.get(), actor=SYSTEM)
    User.objects.all().delete()
    run()
    after = kept(file)
    assert after["developerId"] == before["developerId"]
    assert after["apiKey"] != before["apiKey"]
    assert after["adminPassword"] != before["adminPassword"]
    assert ApiKey.objects.filter(key_hash=hash_secret(after["apiKey"]), revoked_at=None).exists()


@pytest.mark.parametrize("content", ["", "{", '{"baseUrl": "x"}', "[]"])
def test_a_file_that_tells_nothing_is_written_anew(file: Path, content: str) -> None:
    file.write_text(content)
    run()
    assert kept(file)["entityId"] == Entity.objects.get().public_id


def test_there_is_no_demo_where_the_sandbox_is_off(file: Path, settings: Settings) -> None:
    settings.SANDBOX = False
    assert "The sandbox is off" in run()
    assert not file.exists()
    assert not Developer.objects.exists()
