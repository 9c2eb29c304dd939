"""Who takes the messages of the tests: a web server and a mail server of this machine, which keep what they get."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebSink:
    """Answers every request with `status`, and with a way elsewhere where `location` says one."""

    status: int = 200
    location: str = ""
    port: int = 0
    taken: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """For Apprise, with a secret in it."""
        return f"json://somebody:canary-password@127.0.0.1:{self.port}/canary-hook"


@dataclass
class MailSink:
    """Takes every mail."""

    port: int = 0
    taken: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=runner@example.com&to=ops@example.com"


@contextmanager
def web_sink(status: int = 200, location: str = "") -> Iterator[WebSink]:
    sink = WebSink(status, location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.paths.append(self.path)
            sink.taken.append(json.loads(body))
            self._answer()

        def do_GET(self) -> None:
            sink.paths.append(self.path)
            self._answer()

        def _answer(self) -> None:
            self.send_response(sink.status)
            if sink.location:
                self.send_header("Location", sink.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        sink.port = server.server_address[1]
        yield sink


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    sink = MailSink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 sink\r\n")
            for line in self.rfile:
                match line[:4].upper():
                    case b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        sink.taken.append(message_from_bytes(self._letter(), policy=default))
                        self.wfile.write(b"250 taken\r\n")
                    case b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    case verb:
                        if verb == b"RCPT":
                            sink.recipients.append(line.decode().strip())
                        self.wfile.write(b"250 fine\r\n")

        def _letter(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            return b"".join(lines)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server, _serving(server):
        sink.port = server.server_address[1]
        yield sink


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
