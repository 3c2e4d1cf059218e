"""The directory of the local server; what every storage does is in ``tests/handler``."""

import time
from pathlib import Path

import pytest

from handler.errors import NotFoundError, StorageUnavailableError
from handler.local.storage import DataInUseError, LocalStorage
from handler.records import Record, claim

RECORD = Record("0" * 32, "u", "k", "2026-01-02T03:04:05.000000+00:00", {})


def test_a_directory_belongs_to_one_server(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    with pytest.raises(DataInUseError):
        LocalStorage(tmp_path)
    storage.create(RECORD)
    storage.replace(claim(RECORD, "me", 0.0, 1e12))
    storage.close()
    # Its owner is gone with the process: another one may go on.
    reopened = LocalStorage(tmp_path)
    assert reopened.read(RECORD.analysis_id).lease_until_s <= time.time()
    reopened.close()


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "lock").mkdir()
    with pytest.raises(StorageUnavailableError, match="lock"):
        LocalStorage(tmp_path)


def test_keys_do_not_leave_the_directory(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "data")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "data" / "files" / "link").symlink_to(tmp_path)
    for key in ("../../secret", "link/secret", "/etc/passwd", "nothing"):
        with pytest.raises(NotFoundError):
            storage.open_file(key)
    storage.close()
