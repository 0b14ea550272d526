"""Starts what the flags say."""

import asyncio
import sys

from resilient_api_calls import demo, worker
from resilient_api_calls.args import HELP, Command, FlagError, Help, Work, parse


async def start(command: Command) -> None:
    """Does what was asked for."""
    match command:
        case Help():
            sys.stdout.write(HELP)
        case Work():
            await worker.work()
        case settings:
            await demo.run(settings)


def main() -> int:
    """Run the program; the result is its exit status."""
    try:
        asyncio.run(start(parse(sys.argv[1:])))
    except FlagError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except Exception as error:  # Whatever it is, its message is what a user needs.
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
