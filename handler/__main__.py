"""``python -m handler``: the API on this machine, without an account and without a network."""

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from handler.local.guard import Guard

LOOPBACK = "127.0.0.1"


def main() -> NoReturn:
    """Serve the API on this machine; exit with 0 when stopped, with 2 for an error of the user."""
    parser = argparse.ArgumentParser(
        prog="python -m handler",
        description="Serve the API on 127.0.0.1: uploads, analyses, status and results, as the "
        "Lambda function does, with a directory for the files and SQLite for the records; and the "
        "web client, at /app.",
        epilog="Research use, not a diagnosis. Without --token or --issuer, anyone on this machine "
        "can reach the server, and nobody else.",
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
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        metavar="NAME",
        help="name or address by which clients reach this machine; any but %(default)s needs "
        "--token or --issuer, and TLS in front of it",
    )
    parser.add_argument(
        "--token",
        type=Path,
        metavar="FILE",
        help="a file with a secret: who sends it as Authorization: Bearer owns all data here",
    )
    parser.add_argument(
        "--issuer",
        metavar="URL",
        help="OpenID Connect issuer: its tokens say who the caller is, and each sees their own",
    )
    parser.add_argument("--audience", metavar="TEXT", help="of the issuer's tokens")
    options = parser.parse_args()
    if not 0 <= options.port <= 65535:
        parser.error(f"--port is {options.port}, expected 0 to 65535")

    from handler.errors import StorageUnavailableError
    from handler.local.server import serve
    from handler.local.storage import DataInUseError

    try:
        guard = make_guard(options)
    except ValueError as error:
        parser.error(str(error))
    try:
        serve(options.port, options.data, options.host, guard)
    except DataInUseError as error:
        parser.error(f"--data: {error}: stop that one, or name another directory")
    except StorageUnavailableError as error:
        parser.error(f"--data {options.data}: {error}")
    except OSError as error:
        where = " or ".join(f"--{name} {vars(options)[name]}" for name in ("host", "port", "data"))
        parser.error(f"{where}: {error.strerror or error}")


def make_guard(options: argparse.Namespace) -> "Guard":
    """Return the `Guard` that decides who may use the server, from the command line's options.

    Without ``--token`` and ``--issuer``, everyone on this machine may; ``--host`` must then be left
    as it is.

    Parameters
    ----------
    options : argparse.Namespace
        With ``token`` (a path or None), ``issuer``, ``audience`` and ``host``.

    Raises
    ------
    ValueError
        The options do not fit together, the issuer's address is not https, the secret is too
        short, PyJWT is missing, or the token's file cannot be read. The message names the option.
    """
    from handler.local.guard import MIN_TOKEN_CHARACTERS, Guard

    if options.token and options.issuer:
        raise ValueError("--token and --issuer exclude each other")
    given = [one for one in (options.issuer, options.audience) if one is not None]
    # An empty one, as of a variable that is not set, must not leave the server open.
    if given and not (options.issuer and options.audience):
        raise ValueError("--issuer and --audience belong together, and neither may be empty")
    if options.issuer:
        if importlib.util.find_spec("jwt") is None:
            raise ValueError(
                "--issuer: PyJWT, which checks tokens, is missing: pip install 'pyjwt[crypto]'"
            )
        from handler.tokens import TokenVerifier

        try:
            return Guard(verifier=TokenVerifier(options.issuer, options.audience))
        except ValueError as error:
            raise ValueError(f"--issuer: {error}") from error
    if options.token:
        try:
            token = options.token.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ValueError(f"--token {options.token}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"--token {options.token}: the file is no text in UTF-8") from error
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise ValueError(f"--token: the secret has under {MIN_TOKEN_CHARACTERS} characters")
        return Guard(token)
    if options.host != LOOPBACK:
        raise ValueError(f"--host {options.host} needs --token or --issuer: others can reach it")
    return Guard()


if __name__ == "__main__":
    main()
