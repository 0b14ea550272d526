"""`python -m orders.flaky_api`: a payment API that is down for 10 seconds of every 30."""

from __future__ import annotations

import itertools
import time

from .payment_server import PaymentServer


def main() -> None:
    server = PaymentServer(8080)
    print(f"the payment API listens on {server.url}", flush=True)
    for second in itertools.count():
        status = 200 if second % 30 < 20 else 503
        if status != server.status:
            print("up" if status == 200 else "down", flush=True)
        server.status = status
        time.sleep(1)
        orders, server.asked = server.asked, []
        if orders:
            print(f"{len(orders)} in a second: {' '.join(orders)}", flush=True)


if __name__ == "__main__":
    main()
