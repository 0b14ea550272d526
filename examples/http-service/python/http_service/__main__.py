"""Starts the service."""

from __future__ import annotations

import asyncio
import socket
import sys

import uvicorn

from http_service.app import Service
from http_service.settings import Settings


async def main() -> None:
    """Serves until it is told to end."""
    settings = Settings()
    server = uvicorn.Server(uvicorn.Config(Service(settings).application(), log_level="warning", lifespan="on"))
    listening = socket.create_server(("127.0.0.1", settings.port))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    sys.stdout.write(f"listening on http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    await serving


if __name__ == "__main__":
    asyncio.run(main())
