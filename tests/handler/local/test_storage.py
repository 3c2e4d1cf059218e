"""The directory of the local server; what every storage does is in ``tests/handler``."""

import shutil
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


def test_files_that_are_written_meanwhile_are_deleted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An analysis that ends writes its results while a client deletes it."""
    storage = LocalStorage(tmp_path / "data")
    content, left = tmp_path / "content", ["b.csv", "c.csv"]
    content.write_bytes(b"x")
    storage.put_file("results/u/1/a.csv", content, "text/csv")
    remove = shutil.rmtree

    def remove_slowly(folder: Path, **options: bool) -> None:
        remove(folder, **options)
        if left:
            storage.put_file(f"results/u/1/{left.pop()}", content, "text/csv")

    monkeypatch.setattr(shutil, "rmtree", remove_slowly)
    storage.delete_files("results/u/1/")
    assert left == []
    assert storage.list_files("results/u/1/") == set()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    storage.put_file("results/u/1/a.csv", content, "text/csv")
    with pytest.raises(StorageUnavailableError):
        storage.delete_files("results/u/1/")
    monkeypatch.undo()
    storage.close()


def test_keys_do_not_leave_the_directory(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "data")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "data" / "files" / "link").symlink_to(tmp_path)
    for key in ("../../secret", "link/secret", "/etc/passwd", "nothing"):
        with pytest.raises(NotFoundError):
            storage.open_file(key)
    storage.close()
