"""The Postman collection: that it is current, whole, and works as it is."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from openledger.api_description import description
from openledger.postman import collection
from openledger.tests.valid_requests import all_operations

FILE = settings.BASE_DIR / "docs" / "postman_collection.json"


def requests_of(items: list[Any]) -> Iterator[Any]:
    for item in items:
        if "item" in item:
            yield from requests_of(item["item"])
        else:
            yield item["request"]


def test_the_committed_file_is_current() -> None:
    call_command("export_postman", "--check", stdout=io.StringIO())


def test_a_file_that_is_not_current_is_found_and_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "collection.json"
    for stale in (None, "{}"):
        if stale is not None:
            file.write_text(stale)
        with pytest.raises(CommandError, match="is not current"):
            call_command("export_postman", "--check", "--output", str(file))

    call_command("export_postman", "--output", str(file), stdout=io.StringIO())

    assert file.read_text() == FILE.read_text()


@pytest.mark.parametrize("command", ["export_openapi", "export_postman"])
def test_a_file_that_cannot_be_written_is_told_in_plain_words(command: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"x\.json cannot be written: No such file or directory"):
        call_command(command, "--output", str(tmp_path / "none" / "x.json"))


def test_the_collection_has_every_operation_once_in_the_folder_of_its_tag() -> None:
    made = collection(description())
    addresses = [
        (one["method"], re.sub(r":(\w+)", r"{\1}", "/" + "/".join(one["url"]["path"])))
        for one in requests_of(made["item"])
    ]
    assert sorted(addresses) == sorted((one.method, one.path) for one in all_operations())
    assert [folder["name"] for folder in made["item"]] == [tag["name"] for tag in description()["tags"]]
    assert all(folder["item"] for folder in made["item"])


def test_requests_carry_the_token_the_company_and_an_example() -> None:
    made = json.loads(FILE.read_text())
    assert {one["key"] for one in made["variable"]} >= {
        "baseUrl",
        "token",
        "entityId",
        "developerId",
        "apiKey",
    }
    assert made["auth"]["bearer"][0]["value"] == "{{token}}"
    script = "\n".join(made["event"][0]["script"]["exec"])
    assert "/v1/auth/tokens" in script
    assert 'set("token"' in script

    by_address = {(one["method"], one["url"]["raw"]): one for one in requests_of(made["item"])}
    create = by_address["POST", "{{baseUrl}}/v1/transactions?entityId={{entityId}}"]
    assert json.loads(create["body"]["raw"])["amount"] == 500
    # Nobody needs a token to get one.
    assert by_address["POST", "{{baseUrl}}/v1/auth/tokens"]["auth"] == {"type": "noauth"}
    for request in by_address.values():
        for text in re.findall(r"\{\{(\w+)\}\}", json.dumps(request)):
            assert text in {one["key"] for one in made["variable"]}
        if "body" in request:
            assert json.loads(request["body"]["raw"]), "an example of a body"
