"""A payment API to try the example on, and to test it: it fails when it is told to."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class PaymentServer:
    """Listens on this machine; port 0 is a free one."""

    def __init__(self, port: int = 0) -> None:
        # What it answers with; 200: a payment.
        self.status = 200
        # The orders it was asked to charge, in order.
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stops it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                order_id = json.loads(self.rfile.read(int(self.headers["content-length"])))["orderId"]
                server.asked.append(order_id)
                status = server.status
                body = {"paymentId": f"payment-of-{order_id}"} if status == 200 else {}
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
