"""A short run of the fuzzer; `make fuzz` is the long one."""

import io
from pathlib import Path

import pytest

from tests.fuzz import mutate, read_frames, run_campaign, write_seeds
from tests.lengths import LONG

FILES = 200 if LONG else 100


@pytest.mark.slow
def test_mutated_files_are_refused_or_read(tmp_path: Path) -> None:
    campaign = run_campaign(0, FILES, tmp_path)
    assert not campaign.failures
    assert sum(campaign.outcomes.values()) == FILES
    # Neither so mild nor so severe that nothing is tested.
    assert FILES / 4 < campaign.outcomes["read"] < FILES * 9 / 10


def test_what_the_fuzzer_reads_is_sound_before_it_is_mutated(tmp_path: Path) -> None:
    for path in write_seeds(tmp_path):
        content = path.read_bytes()
        *frames, (failed, whole) = read_frames(path)
        assert (len(frames), failed, whole) == (16, 0, True), path.name
        mutated = [mutate(content, seed) for seed in range(8)]
        assert mutated == [mutate(content, seed) for seed in range(8)]
        # A number may be replaced by the same one, but seldom.
        assert mutated.count(content) <= 2


@pytest.mark.parametrize("place", [-5, 2**62])
def test_a_damaged_stream_seeks_nowhere(tmp_path: Path, place: int) -> None:
    """Streams of files refuse such places with an OSError, those of memory with a ValueError."""
    from tracker.video.ffmpeg import _StreamReader

    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    with path.open("rb") as file:
        for stream in (file, io.BytesIO(bytes(100))):
            stream.seek(7)
            reader = _StreamReader(stream)
            assert reader._seek(None, place, 0) < 0
            reader.raise_error()
            assert stream.tell() == 7
            assert reader._seek(None, 1000, 0) == 1000
            assert stream.read(1) == b""
            reader.close()
