"""A stream's hash is that of its content, however a decoder jumps about in it."""

import hashlib
import os
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from tracker.files import fingerprint
from tracker.files.fingerprint import HashedStream, VideoChangedError, take_fingerprint
from tracker.video.container import InputNotFoundError


class CountingStream(BytesIO):
    """Counts how often each byte is read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.reads = np.zeros(len(content), dtype=int)

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        content = super().read(size)
        self.reads[start : start + len(content)] += 1
        return content


@pytest.fixture
def content(rng: np.random.Generator) -> bytes:
    return rng.bytes(100_000)


def test_what_is_read_in_order_is_read_once(content: bytes) -> None:
    inner = CountingStream(content)
    stream = HashedStream(inner)
    read = b""
    while part := stream.read(7_001):
        read += part
    assert read == content
    assert stream.finish() == hashlib.sha256(content).hexdigest()
    assert inner.reads.max() == 1


def test_an_index_at_the_end_costs_no_second_reading_of_the_rest(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "MAX_GAP_BYTES", 1_000)
    inner = CountingStream(content)
    stream = HashedStream(inner)
    stream.read(4_000)
    stream.seek(-10_000, 2)
    assert stream.read() == content[-10_000:]
    stream.seek(48)
    # Steps over sound, which the decoder does not want.
    while stream.tell() < 90_000:
        assert stream.read(3_000) == content[stream.tell() - 3_000 : stream.tell()]
        stream.seek(500, 1)
    assert stream.finish() == hashlib.sha256(content).hexdigest()
    # The beginning and the index twice; nothing else.
    assert inner.reads[4_000:89_000].max() == 1


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_reads_gives_the_hash(content: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inner, plain = BytesIO(content), BytesIO(content)
    stream = HashedStream(inner)
    for _ in range(30):
        whence = int(rng.integers(0, 3))
        offset = int(rng.integers(0, 60_000)) * (-1 if whence == 2 else 1)
        assert stream.seek(offset, whence) == plain.seek(offset, whence)
        size = int(rng.integers(-1, 30_000))
        assert stream.read(size) == plain.read(size)
        assert stream.tell() == plain.tell()
    assert stream.finish() == hashlib.sha256(content).hexdigest()


def test_a_long_rest_is_not_fetched(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "MAX_REST_BYTES", 90_000)
    inner = CountingStream(content)
    stream = HashedStream(inner)
    stream.read(9_999)
    assert stream.finish() == ""
    assert inner.reads.sum() == 9_999
    stream.read(0)
    stream.seek(9_999)
    stream.read(1)
    assert stream.finish() == hashlib.sha256(content).hexdigest()


def test_a_stream_that_ends_too_early_is_an_error(content: bytes) -> None:
    class Short(BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            return super().seek(offset, whence) + (1 if whence == 2 else 0)

    with pytest.raises(OSError, match="ended before its size"):
        HashedStream(Short(content)).finish()


def test_a_file_that_is_written_to_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    taken = take_fingerprint(path)
    # FIPS 180-2, appendix B.1.
    assert taken.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    taken.check_unchanged()
    os.utime(path, ns=(0, taken.modified_ns + 1))
    with pytest.raises(VideoChangedError, match=r"a\.mp4"):
        taken.check_unchanged()
    path.unlink()
    with pytest.raises(VideoChangedError):
        taken.check_unchanged()
    with pytest.raises(InputNotFoundError):
        take_fingerprint(path)
