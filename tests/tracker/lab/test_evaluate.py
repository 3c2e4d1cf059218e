"""Blinks scored against annotations: files read, matches by hand, the command on a clip."""

import ast
import importlib
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from kernels import BLINK, FLUTTER, PROLONGED_CLOSURE
from tests.made_tracks import blink, make_landmarks, make_track
from tests.missing_modules import hide_modules
from tracker.cli.main import main
from tracker.files.fingerprint import take_fingerprint
from tracker.lab.annotations import (
    AnnotatedClip,
    AnnotationError,
    Closure,
    find_annotations,
    read_tag,
)
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.evaluate import TRACK_MODULES, track_key
from tracker.lab.pictures import _kind_name, draw_mistakes
from tracker.lab.scoring import (
    Match,
    detected_closures,
    frame_times_s,
    match_closures,
    score_clip,
    summarize_scores,
)
from tracker.lab.synthetic import write_clip
from tracker.measures.analysis import Analysis, analyze_track
from tracker.parameters import Parameters

ROOT = Path(__file__).parents[3]
SPEC = ClipSpec(
    duration_s=6,
    fps=20,
    width=320,
    height=240,
    closures=(LidClosure(1.0, 0.3), LidClosure(2.5, 0.3), LidClosure(4.0, 1.2)),
)
HEADER = "start,peak,end,closed_first,closed_last,kind,confidence,note"
TAG_ROW = "{}:{}:X:X:X:X:X:80:60:99:99:100:90:120:90:140:90:160:90"


def closures(*intervals: tuple[int, int]) -> list[Closure]:
    return [Closure(start, stop) for start, stop in intervals]


def intervals(found: object) -> list[tuple[int, int]]:
    return [(one.start, one.stop) for one in found]  # type: ignore[attr-defined]


def pairs(match: Match) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    return [((a.start, a.stop), (b.start, b.stop)) for a, b in match.hits]


def strict(text: str) -> Any:
    """Read JSON that has no NaN and no infinity."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def peaks(*frames: int) -> list[Closure]:
    """Detected closures that are three frames long and lowest in the middle."""
    return [Closure(one - 1, one + 2, peak=one) for one in frames]


class TestMatch:
    @pytest.mark.parametrize(
        ("detected", "annotated", "hits", "false", "missed"),
        [
            ([], [], [], [], []),
            ([4], [], [], [4], []),
            ([], [(3, 5)], [], [], [(3, 5)]),
            # The first and the last frame belong to a blink, their neighbours do not.
            ([4], [(4, 9)], [(4, (4, 9))], [], []),
            ([8], [(4, 9)], [(8, (4, 9))], [], []),
            ([3], [(4, 9)], [], [3], [(4, 9)]),
            ([9], [(4, 9)], [], [9], [(4, 9)]),
            # Two detected ones in one annotated blink: one is false.
            ([3, 7], [(2, 8)], [(3, (2, 8))], [7], []),
            # The one that ends first, for the other can still hold a later peak.
            ([5, 9], [(0, 12), (4, 7)], [(5, (4, 7)), (9, (0, 12))], [], []),
        ],
    )
    def test_by_hand(
        self,
        detected: list[int],
        annotated: list[tuple[int, int]],
        hits: list[object],
        false: list[int],
        missed: list[object],
    ) -> None:
        match = match_closures(peaks(*detected), closures(*annotated))
        assert [(a.peak, (b.start, b.stop)) for a, b in match.hits] == hits
        assert [one.peak for one in match.false] == false
        assert intervals(match.missed) == missed

    def test_what_is_ambiguous_is_scored_neither_way(self) -> None:
        match = match_closures(
            peaks(5, 15, 25), closures((14, 17), (24, 27)), closures((4, 7), (14, 17))
        )
        assert [a.peak for a, _ in match.hits] == [15, 25]
        assert (match.false, match.missed) == ((), ())
        match = match_closures(peaks(9), closures((14, 17)), closures((4, 7)))
        assert [one.peak for one in match.false] == [9]

    def test_an_annotation_has_no_peak(self) -> None:
        with pytest.raises(ValueError, match="it is not detected"):
            match_closures(closures((3, 5)), closures((3, 5)))

    def test_as_many_as_can_be(self, rng: np.random.Generator) -> None:
        """The reference tries every way to give each detected closure an annotated one or none."""
        for _ in range(200):
            found = sorted(rng.choice(24, 4, replace=False).tolist())
            starts = rng.integers(0, 22, 3)
            stops = starts + rng.integers(1, 12, 3)
            annotated = closures(*[(int(a), int(b)) for a, b in zip(starts, stops, strict=True)])
            most = 0
            for choice in itertools.product([None, 0, 1, 2], repeat=len(found)):
                used = [n for n in choice if n is not None]
                if len(set(used)) == len(used) and all(
                    n is None or annotated[n].start <= one < annotated[n].stop
                    for one, n in zip(found, choice, strict=True)
                ):
                    most = max(most, len(used))
            match = match_closures(peaks(*found), annotated)
            assert len(match.hits) == most
            assert len(match.false) == len(found) - most
            assert len(match.missed) == len(annotated) - most


def analyze_made(*shut: tuple[int, int], frames: int = 300, **track: Any) -> Analysis:
    """Analyse 10 s at 30 fps in which the eyes shut for these frames, the most in the middle."""
    ear = np.full(frames, 0.3)
    for start, stop in shut:
        blink(ear, start, stop - start)
        ear[(start + stop) // 2] = 0.05
    return analyze_track(make_track(make_landmarks(ear, 0), **track), Parameters())


def clip_of(*blinks: tuple[int, int], **fields: Any) -> AnnotatedClip:
    where = Path("clip.mp4")
    return AnnotatedClip("clip.mp4", where, where, tuple(closures(*blinks)), **fields)


class TestScore:
    def test_the_made_track_is_read_as_it_is_drawn(self) -> None:
        analysis = analyze_made((60, 66), (150, 156))
        assert intervals(detected_closures(analysis)[BLINK]) == [(60, 66), (150, 156)]

    def test_errors_in_milliseconds(self) -> None:
        analysis = analyze_made((60, 66), (150, 156), (200, 206))
        score = score_clip(clip_of((61, 66), (150, 159), (190, 207)), analysis)
        frame = 1000 / 30
        # Lids that fall within a frame begin to at the sample before it, at 59, 149 and 199.
        np.testing.assert_allclose(1000 * score.onset_errors_s, np.array([-2, -1, 9]) * frame)
        np.testing.assert_allclose(
            1000 * score.offset_errors_s, np.array([0, -3, -1]) * frame, atol=1e-9
        )
        np.testing.assert_allclose(1000 * score.duration_errors_s, np.array([2, -2, -10]) * frame)
        summary = summarize_scores([score])
        assert summary.f1 == 1
        assert summary.duration_error_ms.median == pytest.approx(-2 * frame)
        assert asdict(summary.onset_error_ms) == pytest.approx(
            {
                "median_abs": 2 * frame,
                # Nine tenths of the way from the least to the most: 2 + 0.8 * 7 frames.
                "p90_abs": 7.6 * frame,
                "median": -frame,
                # Three values have no interval of 95 %: the least that have are six.
                "median_low": np.nan,
                "median_high": np.nan,
                "count": 3,
            },
            nan_ok=True,
        )
        assert summary.offset_error_ms.median == pytest.approx(-frame)

    def test_the_interval_of_a_median(self) -> None:
        """Of six values, all lie on one side of the true median once in 32."""
        analysis = analyze_made(*((start, start + 6) for start in range(30, 280, 30)))
        blinks = [(start + n, start + 6) for n, start in enumerate(range(30, 210, 30))]
        errors = summarize_scores([score_clip(clip_of(*blinks), analysis)]).onset_error_ms
        assert errors.count == 4  # of the others the peak lies outside
        assert np.isnan(errors.median_low)
        blinks = [(start - n, start + 6) for n, start in enumerate(range(30, 210, 30))]
        errors = summarize_scores([score_clip(clip_of(*blinks), analysis)]).onset_error_ms
        assert (errors.count, errors.median) == (6, pytest.approx(1.5 * 1000 / 30))
        assert errors.median_low == pytest.approx(-1000 / 30)
        assert errors.median_high == pytest.approx(4 * 1000 / 30)

    def test_what_lies_outside_the_annotated_range_is_dropped(self) -> None:
        analysis = analyze_made((30, 36), (100, 106), (200, 206))
        score = score_clip(clip_of((100, 106), scored=(36, 200)), analysis)
        assert (len(score.blinks.hits), score.blinks.false, score.blinks.missed) == (1, (), ())
        # The peaks are at 33 and 203. Where they are within it, both are false.
        score = score_clip(clip_of((100, 106), scored=(34, 203)), analysis)
        assert score.blinks.false == ()
        score = score_clip(clip_of((100, 106), scored=(33, 204)), analysis)
        assert intervals(score.blinks.false) == [(30, 36), (200, 206)]
        score = score_clip(clip_of(scored=(100, 200)), analyze_made((30, 60), (220, 250)))
        assert score.prolonged.false == ()

    def test_ends_that_were_not_seen_have_no_error(self) -> None:
        analysis = analyze_made((0, 6), (100, 106), (294, 300))
        score = score_clip(clip_of((0, 9), (100, 106), (290, 300)), analysis)
        assert len(score.blinks.hits) == 3
        # Of the first no onset, of the last no offset; in the annotated range likewise.
        # Lids that fall within a frame begin to at the sample before it.
        np.testing.assert_allclose(1000 * score.onset_errors_s, [-1000 / 30, 3000 / 30])
        np.testing.assert_allclose(1000 * score.offset_errors_s, [-100, 0], atol=1e-9)
        score = score_clip(clip_of((99, 108), scored=(99, 300)), analysis)
        assert (score.onset_errors_s.size, score.offset_errors_s.size) == (0, 1)
        score = score_clip(clip_of((99, 108), scored=(0, 108)), analysis)
        assert (score.onset_errors_s.size, score.offset_errors_s.size) == (1, 0)

    def test_a_closure_ends_where_the_face_is_lost(self) -> None:
        ear = np.full(300, 0.3)
        blink(ear, 60, 6)
        landmarks = make_landmarks(ear, 0)
        landmarks[64:70] = np.nan
        analysis = analyze_track(make_track(landmarks), Parameters())
        (found,) = detected_closures(analysis)[BLINK]
        assert (found.start, found.stop) == (60, 64)
        assert (found.onset_seen, found.offset_seen) == (True, False)
        assert found.peak == 60
        assert found.onset_s == pytest.approx(59 / 30)
        assert np.isnan(found.offset_s)
        # At every second frame the one in between is not known to be shut.
        skipped = make_track(landmarks[::2], fps=15, step=2)
        skipped.frame_index[:] *= 2
        (found,) = detected_closures(analyze_track(skipped, Parameters()))[BLINK]
        assert (found.start, found.stop) == (60, 63)
        assert (found.onset_seen, found.offset_seen) == (True, False)

    def test_prolonged_closures_are_scored_apart(self) -> None:
        analysis = analyze_made((60, 66), (150, 180), (220, 250))
        score = score_clip(
            clip_of((60, 66), (150, 180), long_closures=tuple(closures((221, 250), (280, 290)))),
            analysis,
        )
        assert pairs(score.blinks) == [((60, 66), (60, 66))]
        assert intervals(score.blinks.missed) == [(150, 180)]
        assert score.blinks.false == ()
        assert pairs(score.prolonged) == [((220, 250), (221, 250))]
        assert intervals(score.prolonged.missed) == [(280, 290)]
        assert intervals(score.prolonged.false) == [(150, 180)]
        assert [mistake.kind for mistake in score.mistakes] == [
            "missed_blink",
            "false_prolonged_closure",
            "missed_prolonged_closure",
        ]

    def test_a_blink_is_not_a_long_closure_that_was_found(self) -> None:
        score = score_clip(clip_of(long_closures=tuple(closures((60, 90)))), analyze_made((60, 66)))
        assert intervals(score.blinks.false) == [(60, 66)]
        assert intervals(score.prolonged.missed) == [(60, 90)]

    def test_an_incomplete_track_is_scored_as_far_as_it_goes(self) -> None:
        analysis = analyze_made((60, 66), complete=False)
        score = score_clip(clip_of((60, 66), (400, 406), scored=(0, 1000)), analysis)
        assert (len(score.blinks.hits), score.blinks.missed) == (1, ())
        assert not score.complete

    def test_an_annotation_of_another_video_is_refused(self) -> None:
        analysis = analyze_made((60, 66))
        score_clip(clip_of((60, 66), scored=(0, 302)), analysis)
        for clip in (clip_of((60, 66), scored=(0, 303)), clip_of((60, 66), (290, 303))):
            with pytest.raises(AnnotationError, match=r"names frame 302, .* 0 to 299"):
                score_clip(clip, analysis)

    @pytest.mark.parametrize("complete", [True, False])
    def test_an_avi_whose_dropped_frames_the_annotation_counts_is_refused(
        self, complete: bool
    ) -> None:
        ear = np.full(20, 0.3)
        clip = replace(clip_of((3, 6)), video=Path("clip.AVI"))
        track = make_track(make_landmarks(ear, 0), complete=complete)
        assert score_clip(clip, analyze_track(track, Parameters())).blinks.missed
        track.times_s[10:] += 3 / 30
        analysis = analyze_track(track, Parameters())
        with pytest.raises(AnnotationError, match=r"clip.mp4, which lacks 3 of its frames"):
            score_clip(clip, analysis)
        # Elsewhere times may be irregular without a frame being lost.
        assert score_clip(clip_of((3, 6)), analysis).blinks.missed

    def test_times_between_and_after_the_tracked_frames(self) -> None:
        track = make_track(make_landmarks(np.full(4, 0.3), 0), fps=15, step=2)
        track.frame_index[:] *= 2
        np.testing.assert_allclose(
            frame_times_s(track, [0, 1, 6, 7, 8]), np.array([0, 1, 6, 7, 8]) / 30
        )

    def test_summary_of_several(self) -> None:
        one = score_clip(clip_of((60, 66), (100, 106), (150, 156)), analyze_made((60, 66)))
        other = score_clip(clip_of((60, 66)), analyze_made((60, 66), (200, 206)))
        right = score_clip(clip_of((60, 66)), analyze_made((60, 66)))
        summary = asdict(summarize_scores([one, other, right]))
        assert {name: summary[name] for name in list(summary)[:10]} == {
            "clips": 3,
            "true_positives": 3,
            "false_positives": 1,
            "false_negatives": 2,
            "precision": 3 / 4,
            "recall": 3 / 5,
            "f1": 6 / 9,
            "count_error": -1,
            "count_error_mean_abs": 1,
            "count_error_zero_share": 1 / 3,
        }

    def test_summary_of_nothing(self) -> None:
        summary = summarize_scores([score_clip(clip_of(), analyze_made())])
        assert summary.count_error_zero_share == 1
        for name in ("precision", "recall", "f1"):
            assert np.isnan(getattr(summary, name))
        assert np.isnan(summary.onset_error_ms.median)


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class TestAnnotations:
    def test_a_table_beside_the_video(self, tmp_path: Path) -> None:
        (tmp_path / "a.b.MOV").touch()
        # As a spreadsheet writes it: byte order mark, carriage returns, an empty line.
        table = tmp_path / "a.b.blinks.csv"
        table.write_bytes(
            f'\ufeff{HEADER}\r\n200,,260,,,long_closure,high,"two,\nlines"\r\n,,,,,,,\r\n'
            "9,11,17,10,12,blink,high,\r\n40,,41,,,,,\r\n".encode()
        )
        (clip,), errors = find_annotations(tmp_path)
        assert errors == []
        assert (clip.name, clip.scored, clip.view) == ("a.b.MOV", None, None)
        assert intervals(clip.blinks) == [(9, 18), (40, 42)]
        assert intervals(clip.long_closures) == [(200, 261)]

    def test_tables_of_many_recordings(self, tmp_path: Path) -> None:
        write(
            tmp_path / "set" / "clips.csv",
            "clip,video,tag_first,tag_last,view_code",
            "1,one.mp4,1,137,FNN",
            "2,two.mp4,0,99,",
        )
        write(tmp_path / "set" / "blinks.csv", "video,start,end", "one.mp4,33,47", "one.mp4,0,1")
        (one, two), errors = find_annotations(tmp_path)
        assert errors == []
        assert (one.name, one.video) == ("set/one.mp4", tmp_path / "set" / "one.mp4")
        assert (one.scored, one.view) == ((1, 138), "FNN")
        assert intervals(one.blinks) == [(0, 2), (33, 48)]
        assert (two.scored, two.view, two.blinks) == ((0, 100), None, ())

    def test_a_tag_file(self, tmp_path: Path) -> None:
        (tmp_path / "x.avi").touch()
        rows = [-1, 4, 4, 4, 5, -1, -1, 6]
        tag = tmp_path / "x.tag"
        # The header is anybody's: not always UTF-8.
        tag.write_bytes(b"# Caf\xe9: frames: 99\n#start \n")
        with tag.open("a") as file:
            file.writelines(
                TAG_ROW.format(n + 10, blink_id) + "\n" for n, blink_id in enumerate(rows)
            )
            file.write("#end\nanything")
        clip = read_tag(tag, tmp_path)
        assert (clip.name, clip.scored) == ("x.avi", (10, 18))
        # Two that follow each other without a pause are two; one may last a frame.
        assert intervals(clip.blinks) == [(11, 14), (14, 15), (17, 18)]
        assert find_annotations(tmp_path)[0] == [clip]

    @pytest.mark.parametrize(
        ("name", "lines", "says"),
        [
            ("a.blinks.csv", ["start,end", "5,6", "", "7,x"], ", line 4: end is 'x', expected a"),
            ("a.blinks.csv", ["start,end", "-5,6"], ", line 2: start is '-5'"),
            ("a.blinks.csv", ["start,end", "5.0,6"], ", line 2: start is '5.0'"),
            ("a.blinks.csv", ["start,end", f"5,{'9' * 5000}"], ", line 2: end is '999"),
            ("a.blinks.csv", ["start,end", "9,6"], ", line 2: end 6 lies before start 9"),
            ("a.blinks.csv", ["start,end", "5"], ", line 2: 1 cells, expected 2"),
            ("a.blinks.csv", ["start,end", "5,6,7"], ", line 2: 3 cells, expected 2"),
            ("a.blinks.csv", ["start,end,kind", "5,6,wink"], ", line 2: kind is 'wink'"),
            ("a.blinks.csv", ["start;end", "5;6"], ", line 1: no column start, end"),
            ("a.blinks.csv", [], ", line 1: no column start, end"),
            ("b.blinks.csv", ["start,end"], "no video b.mp4"),
            ("blinks.csv", ["video,start,end"], "no clips.csv"),
            ("a.tag", [TAG_ROW.format(0, -1), "#end"], "no line #start"),
            ("a.tag", ["#end", "#start", TAG_ROW.format(0, -1)], "no line #end after it"),
            ("a.tag", ["#start", "#end"], "no frame between"),
            ("a.tag", ["# a", "#start", "0:-1:X", "#end"], ", line 3: 3 fields, expected 7"),
            ("a.tag", ["#start", TAG_ROW.format("x", 1), "#end"], ", line 2: frame ID is 'x'"),
            ("a.tag", ["#start", TAG_ROW.format(0, -2), "#end"], ", line 2: blink ID is '-2'"),
            (
                "a.tag",
                ["#start", TAG_ROW.format(5, -1), TAG_ROW.format(5, 1), "#end"],
                ", line 3: frame 5 follows frame 5",
            ),
            ("b.tag", ["#start", TAG_ROW.format(0, 1), "#end"], "no video b.mp4"),
        ],
    )
    def test_what_is_malformed_is_named_with_file_and_line(
        self, name: str, lines: list[str], says: str, tmp_path: Path
    ) -> None:
        (tmp_path / "a.mp4").touch()
        write(tmp_path / name, *lines)
        clips, (error,) = find_annotations(tmp_path)
        assert clips == []
        assert str(error).startswith(str(tmp_path / name))
        assert says in str(error)

    def test_not_text(self, tmp_path: Path) -> None:
        (tmp_path / "a.blinks.csv").write_bytes(b"start,end\n\xff\xfe")
        assert "UTF-8" in str(find_annotations(tmp_path)[1][0])

    @pytest.mark.parametrize(
        ("clips_row", "blinks_row", "says"),
        [
            ("a.mp4,x,9", "a.mp4,1,2", "clips.csv, line 2: tag_first is 'x'"),
            ("a.mp4,9,1", "a.mp4,1,2", "clips.csv, line 2: tag_last 1 lies before tag_first 9"),
            ("/a.mp4,0,9", "/a.mp4,1,2", "clips.csv, line 2: video is '/a.mp4'"),
            ("a.mp4,0,9", "a.mp4,10,12", "blinks.csv, line 2: outside the annotated frames 0 to 9"),
            ("a.mp4,0,9", "a.mp4,,12", "blinks.csv, line 2: start is ''"),
        ],
    )
    def test_a_malformed_recording_leaves_the_others_of_its_table(
        self, clips_row: str, blinks_row: str, says: str, tmp_path: Path
    ) -> None:
        write(tmp_path / "clips.csv", "video,tag_first,tag_last", clips_row, "b.mp4,0,9")
        write(tmp_path / "blinks.csv", "video,start,end", blinks_row, "b.mp4,3,4")
        (clip,), (error,) = find_annotations(tmp_path)
        assert clip.name == "b.mp4"
        assert says in str(error)

    def test_a_blink_of_no_recording_fails_the_table(self, tmp_path: Path) -> None:
        """It is one that some recording lacks; nobody knows which."""
        write(tmp_path / "clips.csv", "video,tag_first,tag_last", "a.mp4,0,9")
        write(tmp_path / "blinks.csv", "video,start,end", "A.mp4,3,4")
        clips, (error,) = find_annotations(tmp_path)
        assert clips == []
        assert "blinks.csv, line 2: video 'A.mp4' is not in clips.csv" in str(error)

    def test_one_video_annotated_twice_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").touch()
        write(tmp_path / "a.blinks.csv", "start,end")
        write(tmp_path / "a.truth.blinks.csv", "start,end")
        clips, (error,) = find_annotations(tmp_path)
        assert clips == []
        assert "annotated twice" in str(error)

    def test_several_videos_of_one_name(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").touch()
        (tmp_path / "a.mov").touch()
        write(tmp_path / "a.blinks.csv", "start,end")
        assert "several videos a.*" in str(find_annotations(tmp_path)[1][0])

    def test_nothing_annotated(self, tmp_path: Path) -> None:
        (tmp_path / "a.mp4").touch()
        # What `analyze` found is no truth.
        write(tmp_path / "a.blinks.csv", "kind,onset_s,peak_s,offset_s,onset_frame,peak_frame")
        with pytest.raises(AnnotationError, match="no annotations found"):
            find_annotations(tmp_path)
        with pytest.raises(AnnotationError, match="no such directory"):
            find_annotations(tmp_path / "missing")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip with its truth beside it."""
    path = tmp_path_factory.mktemp("made") / "clip.mp4"
    write_clip(path, SPEC)
    return path


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """Return a directory with the clip and its truth in a sub-directory."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    for name in ("clip.mp4", "clip.truth.blinks.csv"):
        shutil.copy(made.with_name(name), folder / "sub" / name)
    return folder


@pytest.fixture(scope="module")
def kept(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tracks that a first run keeps."""
    out = tmp_path_factory.mktemp("kept")
    assert main(["evaluate", str(made.parent), "--out", str(out), "--json"]) == 0
    return out / "tracks"


@pytest.fixture
def out(kept: Path, tmp_path: Path) -> Path:
    """Return an output directory that has the clip's track."""
    shutil.copytree(kept, tmp_path / "out" / "tracks")
    return tmp_path / "out"


Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate(
    data: Path, out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Evaluate:
    """Return a function that evaluates the data with the kept track, and returns the document."""

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the video was tracked again")

    def evaluate(*options: str) -> dict[str, Any]:
        with monkeypatch.context() as patch:
            patch.setattr("tracker.lab.evaluate.track_recording", fail)
            arguments = ["evaluate", str(data), "--out", str(out), "--json", *options]
            assert main(arguments) == 0
        captured = capsys.readouterr()
        assert captured.out.count("\n") == 1
        assert captured.err == ""
        document: dict[str, Any] = strict(captured.out)
        return document

    return evaluate


def forge(data: Path) -> None:
    """Move the second annotated blink by a second, to where the eyes are open."""
    path = data / "sub" / "clip.truth.blinks.csv"
    lines = path.read_text().splitlines()
    cells = lines[2].split(",")
    cells[:5] = [str(int(cell) + 20) for cell in cells[:5]]
    write(path, *lines[:2], ",".join(cells), *lines[3:])


def test_each_kind_has_its_name_in_pictures() -> None:
    names = [_kind_name(kind) for kind in (BLINK, PROLONGED_CLOSURE, FLUTTER)]
    assert names == ["blink", "prolonged closure", "flutter"]


class TestCommand:
    @pytest.mark.slow
    def test_as_a_script_uses_it(self, data: Path, tmp_path: Path) -> None:
        out = tmp_path / "made" / "on the way"
        result = subprocess.run(
            [sys.executable, "-m", "tracker", "evaluate", str(data), "--out", str(out), "--json"],
            capture_output=True,
            text=True,
        )
        assert (result.returncode, result.stderr) == (0, "")
        document = strict(result.stdout)
        overall = document["overall"]
        assert (overall["true_positives"], overall["f1"]) == (2, 1)
        assert overall["prolonged_closures"] == {"found": 1, "missed": 0, "false": 0}
        assert overall["onset_error_ms"]["p90_abs"] <= 100
        assert document["views"] == {}
        assert document["failures"] == []
        assert document["parameters"]["blink_thresh"] == 0.18
        (clip,) = document["clips"]
        assert clip["name"] == "sub/clip.mp4"
        assert clip["complete"] is True
        assert clip["mistakes"] == []
        assert [path.name for path in out.iterdir()] == ["tracks"]

    def test_a_second_run_does_not_decode_and_says_the_same(self, evaluate: Evaluate) -> None:
        assert evaluate()["overall"]["f1"] == 1
        assert evaluate("--blink-min-frames", "3")["overall"]["f1"] == 1

    def test_other_thresholds_change_the_score(self, evaluate: Evaluate) -> None:
        # Both blinks last for less than 14.5 frames at 30 a second.
        few, many = (
            evaluate("--blink-min-frames", frames)["overall"]["true_positives"]
            for frames in ("15", "1")
        )
        assert few < many

    def test_a_missed_and_a_false_blink_and_their_pictures(
        self, data: Path, out: Path, evaluate: Evaluate
    ) -> None:
        forge(data)
        document = evaluate()
        overall = document["overall"]
        assert [overall[name] for name in list(overall)[1:7]] == [1, 1, 1, 0.5, 0.5, 0.5]
        assert (overall["count_error"], overall["count_error_zero_share"]) == (0, 1)
        mistakes = document["clips"][0]["mistakes"]
        assert [mistake["kind"] for mistake in mistakes] == ["false_blink", "missed_blink"]
        false, missed = mistakes
        assert 50 <= false["onset_frame"] < false["offset_frame"] <= 57
        assert 70 <= missed["onset_frame"] < missed["offset_frame"] <= 77
        pictures = sorted(out.glob("*.png"))
        assert sorted(Path(mistake["picture"]) for mistake in mistakes) == pictures
        for path in pictures:
            image = cv2.imread(str(path))
            assert image is not None
            assert image.std() > 10

    def test_pictures_of_an_earlier_run_are_removed_and_nothing_else(
        self, data: Path, out: Path, made: Path, evaluate: Evaluate
    ) -> None:
        forge(data)
        (out / "mine.png").touch()
        evaluate()
        assert len(list(out.glob("*.png"))) == 3
        shutil.copy(made.with_name("clip.truth.blinks.csv"), data / "sub")
        evaluate()
        assert [path.name for path in out.glob("*.png")] == ["mine.png"]

    def test_the_table_of_a_person(
        self, data: Path, out: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        forge(data)
        write(data / "clips.csv", "video,tag_first,tag_last,view_code", "sub/copy.mp4,30,119,front")
        write(data / "blinks.csv", "video,start,end", "sub/copy.mp4,51,56")
        shutil.copy(data / "sub" / "clip.mp4", data / "sub" / "copy.mp4")
        assert main(["evaluate", str(data), "--out", str(out)]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        lines = {line.split("  ")[0]: line.split() for line in captured.out.splitlines() if line}
        assert lines["sub/clip.mp4"][1:9] == [
            "1",
            "1",
            "1",
            "0.500",
            "0.500",
            "0.500",
            "+0",
            "100%",
        ]
        # The long closure is annotated there as nothing.
        assert lines["sub/copy.mp4"][1:7] == ["1", "0", "0", "1.000", "1.000", "1.000"]
        assert lines["sub/copy.mp4"][-1] == "0/0/1"
        assert lines["view front"][2:8] == lines["sub/copy.mp4"][1:7]
        assert lines["all"][1:7] == ["2", "1", "1", "0.667", "0.667", "0.667"]
        assert "sub/clip.mp4: missed blink, frames 7" in captured.out

    def test_only_what_was_tracked_is_scored(self, data: Path, out: Path) -> None:
        arguments = ["evaluate", str(data), "--out", str(out), "--max-frames", "40"]
        result = subprocess.run(
            [sys.executable, "-m", "tracker", *arguments], capture_output=True, text=True
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert "all            1   0   0" in result.stdout
        assert "sub/clip.mp4: scored up to --max-frames only" in result.stdout

    def test_one_bad_recording_does_not_stop_the_rest(
        self, data: Path, out: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (data / "broken.mp4").write_bytes(b"nothing")
        write(data / "broken.blinks.csv", "start,end", "3,4")
        (data / "torn.mp4").touch()
        write(data / "torn.blinks.csv", "start,end", "3,")
        write(data / "clips.csv", "video,tag_first,tag_last", "missing.mp4,0,9")
        write(data / "blinks.csv", "video,start,end")
        shutil.copy(data / "sub" / "clip.mp4", data / "short.mp4")
        write(data / "short.blinks.csv", "start,end", "500,510")
        assert main(["evaluate", str(data), "--out", str(out), "--json"]) == 3
        captured = capsys.readouterr()
        document = strict(captured.out)
        assert captured.err.splitlines() == [f"error: {text}" for text in document["failures"]]
        assert [clip["name"] for clip in document["clips"]] == ["sub/clip.mp4"]
        failures = "\n".join(document["failures"])
        assert len(document["failures"]) == 4
        assert "broken.mp4: not a video file" in failures
        assert "torn.blinks.csv, line 2: end is ''" in failures
        assert "missing.mp4: no such file" in failures
        assert "names frame 510, but short.mp4 has only the frames 0 to 119" in failures

    def test_nothing_to_evaluate(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "out"
        assert main(["evaluate", str(tmp_path), "--out", str(out), "--json"]) == 3
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("error: ")
        assert captured.err.count("\n") == 1
        assert "no annotations found. Put STEM.blinks.csv" in captured.err
        assert not out.exists()

    def test_without_matplotlib(
        self,
        data: Path,
        out: Path,
        evaluate: Evaluate,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """The scores are the same; no picture is drawn, and one line says what to install."""
        forge(data)
        expected = evaluate()
        drawn = [mistake.pop("picture") for mistake in expected["clips"][0]["mistakes"]]
        assert len(drawn) == 2
        hide_modules(monkeypatch, "matplotlib")
        arguments = ["evaluate", str(data), "--out", str(out)]
        assert main([*arguments, "--json"]) == 0
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert "pip install matplotlib" in captured.err
        document = strict(captured.out)
        pictures = [mistake.pop("picture") for mistake in document["clips"][0]["mistakes"]]
        assert pictures == [None, None]
        assert document == expected
        assert list(out.glob("*.png")) == []
        assert main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line[:30] for line in lines if "missed blink" in line] == [
            "sub/clip.mp4: missed blink, fr"
        ]
        assert not [line for line in lines if ".png" in line or "None" in line]

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["evaluate"], "DIR"),
            (["evaluate", "x", "--step", "0"], "step is 0, expected 1 to 30"),
            (["evaluate", "x", "--blink-thresh", "0.5"], "expected 0.05 to 0.23"),
        ],
    )
    def test_wrong_usage(
        self, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert says in capsys.readouterr().err

    def test_help_loads_nothing_heavy(self) -> None:
        script = (
            "import sys\n"
            "from tracker.cli.main import main\n"
            "try:\n"
            "    main(['evaluate', '--help'])\n"
            "except SystemExit:\n"
            "    pass\n"
            "heavy = {'numpy', 'numba', 'cv2', 'mediapipe', 'matplotlib'}\n"
            "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
        )
        assert result.stdout.splitlines()[-1] == "loaded:"


class TestKeptTracks:
    def test_the_key_follows_content_and_parameters(self, tmp_path: Path) -> None:
        video = tmp_path / "a.mp4"
        video.write_bytes(b"one")
        keys = {
            track_key(take_fingerprint(video), Parameters()),
            track_key(take_fingerprint(video), Parameters(step=2)),
            track_key(take_fingerprint(video), Parameters(max_frames=2)),
        }
        assert (
            track_key(take_fingerprint(video), Parameters(blink_thresh=0.2, blink_min_frames=5))
            in keys
        )
        video.write_bytes(b"two")
        keys.add(track_key(take_fingerprint(video), Parameters()))
        assert len(keys) == 4
        video.rename(tmp_path / "b.mp4")
        assert track_key(take_fingerprint(tmp_path / "b.mp4"), Parameters()) in keys

    def test_the_key_follows_the_tracker(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tracker.lab.evaluate import _tracker_identity

        video = tmp_path / "a.mp4"
        video.write_bytes(b"one")
        before = track_key(take_fingerprint(video), Parameters())
        with monkeypatch.context() as patch:
            patch.setattr("importlib.metadata.version", lambda name: f"another {name}")
            _tracker_identity.cache_clear()
            assert track_key(take_fingerprint(video), Parameters()) != before
        read_bytes = Path.read_bytes
        for module in TRACK_MODULES:
            stem = str(Path(*module.split(".")))
            end = (stem + ".py", str(Path(stem, "__init__.py")))
            with monkeypatch.context() as patch:
                patch.setattr(
                    Path,
                    "read_bytes",
                    lambda path, end=end: read_bytes(path) + b"#" * str(path).endswith(end),
                )
                _tracker_identity.cache_clear()
                assert track_key(take_fingerprint(video), Parameters()) != before
        _tracker_identity.cache_clear()
        assert track_key(take_fingerprint(video), Parameters()) == before

    def test_the_key_knows_all_code_that_makes_a_track(self) -> None:
        """What `tracker.tracks.track` and the face finder import, and what that imports.

        Of the kernels the choice of landmarks and what stands around the models: the rest measures
        finished tracks.
        """
        found, pending = set(), {"tracker.tracks.track", "tracker.face.mesh"}
        while pending:
            module = pending.pop()
            found.add(module)
            path = ROOT / Path(*module.split("."))
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            tree = ast.parse(path.read_text())
            names = {
                node.module
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module
            }
            around_models = {"kernels.refinement", "kernels.sampling"}
            pending |= {
                name for name in names if name.startswith("tracker.") or name in around_models
            } - found
        assert {"kernels.landmarks", *found} == set(TRACK_MODULES)

    def test_the_key_changes_with_the_models(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        module = importlib.import_module("tracker.lab.evaluate")
        module._tracker_identity.cache_clear()
        before = module._tracker_identity()
        module._tracker_identity.cache_clear()
        monkeypatch.setattr(module, "MODELS", tmp_path)
        (tmp_path / module.CHECKSUMS).write_text("other models")
        assert module._tracker_identity() != before
        module._tracker_identity.cache_clear()

    @pytest.mark.slow
    def test_changed_content_is_tracked_again(
        self, data: Path, out: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tracked = []

        def note(source: Path, *_: object, **__: object) -> Any:
            tracked.append(source)
            return make_track(make_landmarks(np.full(120, 0.3), 0))

        monkeypatch.setattr("tracker.lab.evaluate.track_recording", note)
        video = data / "sub" / "clip.mp4"
        arguments = ["evaluate", str(data), "--out", str(out), "--json"]
        assert main(arguments) == 0
        assert tracked == []
        video.write_bytes(video.read_bytes() + b"\0")
        assert main(arguments) == 0
        assert tracked == [video]
        assert main(arguments) == 0
        assert tracked == [video]

    def test_a_damaged_track_is_made_again(
        self, data: Path, out: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (track,) = (out / "tracks").iterdir()
        track.write_bytes(b"PK")
        assert main(["evaluate", str(data), "--out", str(out), "--json"]) == 0
        assert strict(capsys.readouterr().out)["overall"]["f1"] == 1
        assert len(track.read_bytes()) > 1000


def test_a_picture_of_a_miss_where_no_face_was_seen(made: Path, tmp_path: Path) -> None:
    track = make_track(np.full((120, 40, 2), np.nan, np.float32))
    analysis = analyze_track(track, Parameters())
    clip = AnnotatedClip("a/$_$.mp4", made, made, tuple(closures((50, 56))), scored=(20, 60))
    score = score_clip(clip, analysis)
    (path,) = draw_mistakes(score, analysis, tmp_path)
    assert path == tmp_path / "a__$_$.mp4.missed_blink.000050.png"
    assert cv2.imread(str(path)) is not None
