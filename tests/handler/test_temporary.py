"""Temporary folders: gone afterwards, and a full disk is told as what it is."""

import errno
import tempfile
from pathlib import Path

import pytest

from handler.errors import StorageUnavailableError
from handler.temporary import temporary_folder


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_can_have_room_later(tmp_path: Path, code: int) -> None:
    with pytest.raises(StorageUnavailableError) as caught, temporary_folder(tmp_path):
        raise OSError(code, "full")
    assert (caught.value.status_code, caught.value.retryable) == (503, True)
    assert "room" in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_takes_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(StorageUnavailableError), temporary_folder(tmp_path):
        pass


def test_another_error_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), temporary_folder(tmp_path) as folder:
        raise PermissionError(errno.EACCES, "denied", str(folder))
    assert list(tmp_path.iterdir()) == []
