"""The client of the payment API."""

from __future__ import annotations

import httpx

from .model import Order, Payment


class PaymentApiDown(Exception):
    """The payment API failed. Its code is what the circuit's patterns see."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the payment API answered with {status}")
        self.code = status


class PaymentRejected(PaymentApiDown):
    """The payment itself was refused, so that asking again does not help."""


class PaymentApi:
    """A payment API at a URL such as `http://127.0.0.1:8080`."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=10, trust_env=False)

    async def charge(self, order: Order) -> Payment:
        """Charges an order, once however often it is asked: the order is the idempotency key."""
        headers = {"idempotency-key": order["orderId"]}
        response = await self._http.post("/charges", json=order, headers=headers)
        if 400 <= response.status_code < 500:
            raise PaymentRejected(response.status_code)
        if not response.is_success:
            raise PaymentApiDown(response.status_code)
        payment: Payment = response.json()
        return payment

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()
