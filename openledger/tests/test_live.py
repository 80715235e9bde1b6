"""The web server: that it keeps what it recorded, and the connections of its clients."""

import http.client
import time

import pytest

from openledger.tests.live import LiveServer

pytestmark = pytest.mark.server


def test_what_was_recorded_is_there_after_the_server_was_killed_and_started_again() -> None:
    server = LiveServer("killed")
    server.create_database()
    try:
        server.start()
        entity = server.entity(server.developer())
        body = {
            "amount": "12.50",
            "debitAccountId": entity.accounts["1010"],
            "creditAccountId": entity.accounts["4010"],
        }
        query, token = f"?entityId={entity.id}", entity.developer.token
        made = server.ok("POST", f"/v1/transactions{query}", body, token=token)["transaction"]

        server.kill()
        server.start()

        listed = server.ok("GET", f"/v1/transactions{query}", token=token)["transactions"]
        assert listed == [made]
    finally:
        server.stop()
        server.drop_database()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("PUT", "/v1/entities/settings", 401), ("PATCH", "/v1/entities", 401), ("POST", "/v1/nothing", 404)],
)
def test_a_request_that_is_refused_before_its_body_leaves_the_connection_for_the_next(
    live_server_process: LiveServer, method: str, path: str, status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live_server_process.port, timeout=10)
    connection.putrequest(method, path)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "2")
    connection.endheaders()
    time.sleep(0.2)  # The body comes when the refusal is long decided.
    connection.send(b"{}")
    refusal = connection.getresponse()
    refusal.read()
    first_socket = connection.sock

    connection.request("GET", "/healthz")

    assert (refusal.status, connection.getresponse().status) == (status, 200)
    assert connection.sock is first_socket
    connection.close()
