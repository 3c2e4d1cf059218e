"""``python -m handler``: the API on this machine, without an account and without a network."""

import argparse
from pathlib import Path
from typing import NoReturn


def main() -> NoReturn:
    """Run the local server; exit with 0 when stopped, with 2 for an error that the user can fix."""
    parser = argparse.ArgumentParser(
        prog="python -m handler",
        description="Serve the API on 127.0.0.1: uploads, analyses, status and results, as the "
        "Lambda function does, with a directory for the files and SQLite for the records; and the "
        "web client, at /app.",
        epilog="Research use, not a diagnosis. Anyone on this machine can reach the server.",
    )
    parser.add_argument(
        "--port", type=int, default=8000, metavar="N", help="0: a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("eye-tracking-data"),
        metavar="DIR",
        help="where files and records go, and are found again (default: %(default)s)",
    )
    options = parser.parse_args()
    if not 0 <= options.port <= 65535:
        parser.error(f"--port is {options.port}, expected 0 to 65535")

    from handler.errors import StorageUnavailableError
    from handler.local.server import serve
    from handler.local.storage import DataInUseError

    try:
        serve(options.port, options.data)
    except DataInUseError as error:
        parser.error(f"--data: {error}: stop that one, or name another directory")
    except StorageUnavailableError as error:
        parser.error(f"--data {options.data}: {error}")
    except OSError as error:
        parser.error(f"--port {options.port} or --data {options.data}: {error.strerror or error}")


if __name__ == "__main__":
    main()
