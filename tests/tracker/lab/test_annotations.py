"""Corrections of a report as annotations: seconds to frames, by hand, and the command on a clip."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.made_corrections import SHA, write_corrections
from tests.made_tracks import blink, make_landmarks, make_track
from tracker.cli.main import main
from tracker.files.fingerprint import take_fingerprint
from tracker.lab.annotations import find_annotations, place_corrections
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.scoring import score_clip
from tracker.lab.synthetic import write_clip
from tracker.measures.analysis import analyze_track
from tracker.parameters import Parameters
from tracker.tracks.track import Track
from tracker.video.container import InputError

EVENTS = [
    {"kind": "blink", "onset_s": 2.0, "offset_s": 2.2},
    {"kind": "blink", "onset_s": 4.0, "offset_s": 4.0},
    {"kind": "wink_left", "onset_s": 5.0, "offset_s": 5.5},
    {"kind": "blink", "onset_s": 6.1, "offset_s": 6.3},
    {"kind": "flutter", "onset_s": 7.0, "offset_s": 8.0},
    {"kind": "prolonged_closure", "onset_s": 9.0, "offset_s": 10.0},
]
UNUSABLE = [{"start_s": 6.0, "end_s": 6.5}]
SAID = {"events": EVENTS, "unusable": UNUSABLE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clip.mp4").write_bytes(b"")
    write_corrections(tmp_path / "clip.corrections.json", **SAID)
    return tmp_path


def drawn() -> Track:
    ear = np.full(360, 0.3)
    blink(ear, 60, 6)
    return make_track(make_landmarks(ear, 0.0), video_sha256=SHA)


def spans(found: Any) -> list[tuple[int, int]]:
    return [(one.start, one.stop) for one in found]


def test_times_become_frames(folder: Path) -> None:
    (clip,), errors = find_annotations(folder)
    assert errors == []
    assert (clip.name, clip.person, clip.blinks) == ("clip.mp4", "clip.mp4", ())
    placed = place_corrections(clip, drawn())
    # 30 frames a second. What is too short for a frame is one. One blink is not usable.
    assert spans(placed.blinks) == [(60, 66), (120, 121)]
    assert spans(placed.long_closures) == [(270, 300)]
    assert spans(placed.ambiguous) == [(210, 240), (180, 195)]
    # The same times in a track of every third frame, whose frames are counted in the video.
    track = drawn()
    third = replace(
        track,
        frame_index=track.frame_index[::3],
        times_s=track.times_s[::3],
        landmarks=track.landmarks[::3],
    )
    assert spans(place_corrections(clip, third).blinks) == [(60, 66), (120, 121)]


def test_a_score(folder: Path) -> None:
    (clip,), _ = find_annotations(folder)
    track = drawn()
    score = score_clip(place_corrections(clip, track), analyze_track(track, Parameters()))
    assert [spans(pair) for pair in score.blinks.hits] == [[(60, 66), (60, 66)]]
    assert spans(score.blinks.missed) == [(120, 121)]
    assert score.blinks.false == ()


def test_what_cannot_be_used_is_an_error(folder: Path) -> None:
    (clip,), _ = find_annotations(folder)
    other = replace(drawn(), info=replace(drawn().info, video_sha256="f" * 64))
    with pytest.raises(InputError, match="belong to another recording"):
        place_corrections(clip, other)
    write_corrections(folder / "clip.corrections.json", **SAID, by="<b>")
    clips, (error,) = find_annotations(folder)
    assert clips == []
    assert "expected initials" in str(error)
    (folder / "clip.mp4").unlink()
    write_corrections(folder / "clip.corrections.json", **SAID)
    assert "no video clip.mp4" in str(find_annotations(folder)[1][0])


def test_a_recording_is_annotated_once(folder: Path) -> None:
    (folder / "clip.blinks.csv").write_text("start,end\n60,65\n")
    clips, (error,) = find_annotations(folder)
    assert clips == []
    assert "annotated twice" in str(error)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = ClipSpec(duration_s=4, fps=20, width=320, height=240, closures=(LidClosure(1.0, 0.3),))
    write_clip(tmp_path / "clip.mp4", spec)
    for path in tmp_path.glob("*.truth.*"):
        path.unlink()
    # The drawn blink, and one that nobody drew.
    events = [
        {"kind": "blink", "onset_s": 1.0, "offset_s": 1.3},
        {"kind": "blink", "onset_s": 3.0, "offset_s": 3.3},
    ]
    sha = take_fingerprint(tmp_path / "clip.mp4").sha256
    path = tmp_path / "clip.corrections.json"
    write_corrections(path, events=events, video_sha256=sha)
    command = ["evaluate", str(tmp_path), "--json", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    score = json.loads(capsys.readouterr().out)["overall"]
    found = (score["true_positives"], score["false_positives"], score["false_negatives"])
    assert found == (1, 0, 1)
    write_corrections(path, events=events)
    assert main(command) == 3
    assert "belong to another recording" in capsys.readouterr().err
