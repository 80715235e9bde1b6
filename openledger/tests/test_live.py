"""The tests' own web server: that it is the real one, and can be killed and started again."""

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
