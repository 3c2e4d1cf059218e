"""One local server for the tests of a file."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_server import start


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local") / "data"


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    process, address = start(folder)
    yield address
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    log = (folder.parent / "log").read_text()
    assert "Traceback" not in log
    assert "somebody" not in log
