"""The pages of the docs, on the real server: all that they load is there, and none of it is elsewhere."""

import re
from urllib.parse import urljoin, urlsplit

import pytest

from openledger.tests.live import LiveServer

pytestmark = pytest.mark.server

# What the bundled scripts name but never load: namespaces, licences, links to click on.
LOADED = re.compile(r"""(?:src|href|url|spec-url)\s*[=:]\s*["']([^"']+)["']|url\(["']?([^"')]+)["']?\)""")


def loaded_by(page: str) -> set[str]:
    """The addresses that a page loads: of its scripts, styles, pictures and descriptions."""
    found = {one or other for one, other in LOADED.findall(page)}
    return {one for one in found if not one.startswith(("data:", "#"))}


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_all_that_a_page_of_the_docs_loads_is_served_here(live_server_process: LiveServer, page: str) -> None:
    answer = live_server_process.call("GET", page, headers={"Accept": "text/html"})
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    html = answer.body.decode()
    assert not re.search(r"""["'(](?:https?:)?//""", html), "an address elsewhere"

    addresses = loaded_by(html)
    assert {"/v1/openapi.json"} < addresses
    scripts = [one for one in addresses if one.startswith("/static/") and one.endswith(".js")]
    assert scripts
    for address in addresses:
        asset = live_server_process.call("GET", address)
        assert (asset.status, bool(asset.body)) == (200, True), address
        if address.endswith(".css"):
            for inner in loaded_by(asset.body.decode()):
                whole = urljoin(address, inner)
                assert not urlsplit(whole).netloc, f"{address} loads {whole}"
                assert live_server_process.call("GET", whole).status == 200


def test_the_description_that_the_pages_load_is_the_api(live_server_process: LiveServer) -> None:
    answer = live_server_process.call("GET", "/v1/openapi.json", headers={"Accept": "application/json,*/*"})
    assert answer.json()["openapi"].startswith("3.1")
    assert "/v1/transactions" in answer.json()["paths"]
    yaml = live_server_process.call("GET", "/v1/openapi.yaml")
    assert yaml.body.startswith(b"openapi: 3.1")
