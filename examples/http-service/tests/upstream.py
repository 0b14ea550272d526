"""An upstream that is well, hangs, or answers 503, as a test says."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True
    upstream: Upstream


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        upstream = self.server.upstream
        if upstream.mood == "hangs":
            upstream.released.wait()
        body = b"done"
        self.send_response(503 if upstream.mood == "busy" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Upstream:
    """A server on a free port."""

    def __init__(self) -> None:
        self.mood = "well"
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.upstream = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def recover(self) -> None:
        """Is well again, and lets go those it has kept waiting."""
        self.mood = "well"
        self.released.set()

    def end(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
