"""Files of corrections: what is read, and what is refused with a message."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.made_corrections import SHA, make_corrections
from tests.made_tracks import make_track
from tests.tracker.pages.made_reports import looking
from tracker.files.corrections import (
    MAX_BYTES,
    MAX_EVENTS,
    CorrectionsError,
    check_corrections,
    hash_track,
    parse_corrections,
    read_corrections,
)
from tracker.measures.corrections import Stretch, TimedEvent
from tracker.video.container import InputError


def make_document(**values: Any) -> dict[str, Any]:
    usual = {
        "by": "A. B.",
        "why": "glare",
        "events": [
            {"kind": "wink_left", "onset_s": 2.1, "offset_s": 3},
            {"kind": "blink", "onset_s": 2.0, "offset_s": 2.25},
        ],
        "unusable": [{"start_s": 5, "end_s": 6.5}],
        "primary": {"start_s": 0.1, "end_s": 0.9},
    }
    return make_corrections(**(usual | values))


def make_event(onset_s: Any, offset_s: Any, kind: Any = "blink") -> dict[str, Any]:
    return {"kind": kind, "onset_s": onset_s, "offset_s": offset_s}


def test_what_is_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.corrections.json"
    path.write_text("\ufeff" + json.dumps(make_document(by="홍길동")), encoding="utf-8")
    read = read_corrections(path)
    assert (read.by, read.at, read.why) == ("홍길동", "2026-01-31T09:30:00Z", "glare")
    # In order of time.
    assert read.events == (TimedEvent(2.0, 2.25, "blink"), TimedEvent(2.1, 3.0, "wink_left"))
    assert read.unusable == (Stretch(5.0, 6.5),)
    assert read.primary == Stretch(0.1, 0.9)
    assert (read.video_sha256, read.track_sha256) == (SHA, "")


def test_what_may_be_left_empty() -> None:
    read = parse_corrections(make_document(why="", events=[], unusable=[], primary=None))
    assert (read.why, read.events, read.unusable, read.primary) == ("", (), (), None)


def test_events_may_touch() -> None:
    events = [make_event(2.0, 2.25), make_event(2.2495, 2.4), make_event(2.4, 2.4)]
    assert len(parse_corrections(make_document(events=events)).events) == 3


LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"corrections": 2}, "expected version 1"),
        ({"corrections": True}, "expected version 1"),
        ({"corrections": LONG}, "expected version 1"),
        ({"more": 1}, "expected an object with"),
        ({"by": "<b>A</b>"}, "expected initials"),
        ({"by": ""}, "expected initials"),
        ({"by": "=cmd()"}, "expected initials"),
        ({"by": "A" * 21}, "up to 20 characters"),
        ({"by": None}, "up to 20 characters"),
        ({"why": LONG}, "up to 500 characters"),
        ({"why": ["glare"]}, "up to 500 characters"),
        ({"recording": LONG}, "up to 300 characters"),
        ({"at": "yesterday"}, "expected a time such as"),
        ({"at": "2026-13-31T09:30:00Z"}, "expected a time such as"),
        ({"video_sha256": "", "track_sha256": ""}, "of which recording"),
        ({"video_sha256": SHA.upper()}, "expected a SHA-256"),
        ({"events": {}}, "no list of up to"),
        ({"events": [make_event(2, 3)] * (MAX_EVENTS + 1)}, "no list of up to"),
        ({"events": [[2, 3]]}, r"events\[0\] is \[2, 3\]"),
        ({"events": [make_event(2, 3) | {"by": "A"}]}, r"events\[0\] is"),
        ({"events": [make_event(2, 3, "yawn")]}, "expected one of blink"),
        ({"events": [make_event(2, 3, ["blink"])]}, "expected one of blink"),
        ({"events": [make_event(3, 2)]}, "lasts from 3 to 2"),
        ({"events": [make_event(-1, 2)]}, "lasts from -1 to 2"),
        ({"events": [make_event(math.nan, 2)]}, "lasts from nan to 2"),
        ({"events": [make_event(1, math.inf)]}, "lasts from 1 to inf"),
        ({"events": [make_event(1, 10**400)]}, "lasts from 1 to 1000"),
        ({"events": [make_event(True, 2)]}, "lasts from True to 2"),
        ({"events": [make_event("1", 2)]}, "lasts from '1' to 2"),
        ({"events": [make_event(2, 3), make_event(2.9, 4, "flutter")]}, "begins before the blink"),
        (
            {"events": [make_event(2, 3, "wink_left"), make_event(2.9, 4, "wink_left")]},
            "begins before the wink_left",
        ),
        ({"unusable": [{"start_s": 2, "end_s": 2}]}, "expected a stretch of time"),
        ({"unusable": [{"start_s": 2, "end_s": 86_401}]}, "expected 0 <= start_s"),
        ({"unusable": "all"}, "no list of up to"),
        ({"primary": []}, "primary is"),
        ({"primary": {"start_s": 0.5, "end_s": 0.2}}, "primary lasts from"),
    ],
)
def test_what_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        parse_corrections(make_document(**values))
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("name", sorted(make_document()))
def test_nothing_may_be_missing(name: str) -> None:
    document = make_document()
    del document[name]
    with pytest.raises(ValueError, match="expected"):
        parse_corrections(document)


@pytest.mark.parametrize("document", [None, [], 1, "text", [make_document()]])
def test_no_object_at_all(document: object) -> None:
    with pytest.raises(ValueError, match="expected version 1"):
        parse_corrections(document)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff\xfe{", b"{", b"[" * 100_000, b"1" * 5000, b"\0" * 100),
        json.dumps(make_document()).encode() + b" " * MAX_BYTES,
    ],
    ids=["empty", "no text", "cut off", "nested", "long number", "zeros", "large"],
)
def test_files_that_are_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip.corrections.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"clip\.corrections\.json"):
        read_corrections(path)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(InputError):
            read_corrections(path)


def test_characters_that_cannot_be_shown_are_replaced() -> None:
    read = parse_corrections(make_document(why="a\x1b[2Jb\u202ec\ud800"))
    assert read.why == "a\ufffd[2Jb\ufffdc\ufffd"


def test_corrections_of_another_recording_are_refused() -> None:
    track = make_track(looking(12.0), 30.0, video_sha256=SHA)
    events = [make_event(2, 2.2)]
    few = {"events": events, "unusable": [], "primary": None}
    check_corrections(parse_corrections(make_document(**few)), track)
    # Another track of the same video is another step or version: it fits.
    own = hash_track(make_track(looking(13.0)))
    check_corrections(parse_corrections(make_document(track_sha256=own, **few)), track)
    for hashes in ({"video_sha256": "f" * 64}, {"video_sha256": "", "track_sha256": "f" * 64}):
        with pytest.raises(CorrectionsError, match="belong to another recording"):
            check_corrections(parse_corrections(make_document(**few, **hashes)), track)


def test_without_a_videos_hash_the_track_must_be_the_same() -> None:
    track, other = make_track(looking(12.0)), make_track(looking(12.0, blinks_s=(3.0,)))
    few = {"events": [make_event(2, 2.2)], "unusable": [], "primary": None}
    for video_sha256 in ("", SHA):
        document = make_document(video_sha256=video_sha256, track_sha256=hash_track(track), **few)
        said = parse_corrections(document)
        check_corrections(said, track)
        with pytest.raises(CorrectionsError, match="belong to another recording"):
            check_corrections(said, other)


@pytest.mark.parametrize(
    "values",
    [
        {"events": [make_event(11.9, 12.1)]},
        {"events": [], "unusable": [{"start_s": 11, "end_s": 12.1}]},
        {"events": [], "primary": {"start_s": 11, "end_s": 12.1}},
    ],
)
def test_times_after_the_end_are_refused(values: dict[str, Any]) -> None:
    # 360 frames of 1/30 s: the last one is shown until 12 s.
    track = make_track(looking(12.0), 30.0, video_sha256=SHA)
    whole = {"events": [make_event(11.5, 12.0)], "unusable": [], "primary": None}
    check_corrections(parse_corrections(make_document(**whole)), track)
    said = parse_corrections(make_document(**{**whole, **values}))
    with pytest.raises(CorrectionsError, match=r"12\.100 s, but the recording ends at 12\.000 s"):
        check_corrections(said, track)
