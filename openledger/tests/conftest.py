"""What the tests of the whole project share."""

from openledger.tests.live import live_server_process

__all__ = ["live_server_process"]
