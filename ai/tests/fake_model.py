"""A small fake of an OpenAI-compatible API, which says what it is told to."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Reply = Callable[[dict[str, Any]], str | bytes]


class FakeModel:
    """The model: `replies` are given one after the other, the last one again and again."""

    def __init__(self) -> None:
        self.url = ""
        self.replies: list[Reply] = []
        # What was asked of it, and with which headers.
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.pause_seconds = 0.0

    def says(self, *contents: str) -> None:
        """Answer with these words."""
        self.replies = [lambda _, content=content: content for content in contents]  # type: ignore[misc]

    def sends(self, raw: bytes) -> None:
        """Answer with these very bytes."""
        self.replies = [lambda _: raw]

    def everything_told(self) -> str:
        """All that it was ever told."""
        return json.dumps(self.asked)


def _answer(content: str) -> bytes:
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
    return b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@contextmanager
def fake_model() -> Iterator[FakeModel]:
    """A server on a port of its own, for as long as the block lasts."""
    model = FakeModel()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = self.rfile.readline()
                if not line:
                    return
                head += line
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            data = json.loads(self.rfile.read(length))
            model.headers.append(head.decode())
            model.asked.append(data)
            reply = model.replies[0](data)
            if len(model.replies) > 1:
                model.replies.pop(0)
            time.sleep(model.pause_seconds)
            try:
                self.wfile.write(reply if isinstance(reply, bytes) else _answer(reply))
            except OSError:
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield model
        server.shutdown()
        thread.join()
