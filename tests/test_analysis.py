"""From tracks with known numbers to measures, quality and the verdict."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from kernels import BLINK, PROLONGED_CLOSURE
from tests.made_tracks import blink, make_landmarks, make_track
from tracker.analysis import Analysis, analyze_track
from tracker.assessment import assess
from tracker.output import summarize, to_json, write_analysis
from tracker.parameters import Parameters

FPS = 30
BLINK_STARTS = (100, 250, 420, 700)


def recording(vertical_amplitude: float = 0.1, seconds: float = 30) -> Analysis:
    """A person who looks up, then down, for equal times, and blinks four times.

    The iris jumps by 0.4 down in each blink, as it seems to when the lid sweeps over it.
    """
    count = round(seconds * FPS)
    ear = np.full(count, 0.3)
    vertical = np.where(np.arange(count) < count / 2, -vertical_amplitude, vertical_amplitude)
    for start in BLINK_STARTS:
        if start + 6 < count:
            blink(ear, start, 6)
            vertical[start - 2 : start + 8] += 0.4
    return analyze_track(make_track(make_landmarks(ear, vertical)), Parameters())


class TestMeasures:
    """Hand-worked from the recording above."""

    measures = recording().measures

    def test_time(self) -> None:
        assert self.measures.duration_s == pytest.approx(30)
        assert self.measures.valid_time_s == pytest.approx(30 - 1 / 30)
        assert self.measures.fps == pytest.approx(30)

    def test_range_is_that_of_the_gaze_and_blinks_add_nothing(self) -> None:
        assert self.measures.vertical_peak_to_peak == pytest.approx(0.2, abs=1e-6)
        assert self.measures.vertical_peak_to_peak_left == pytest.approx(0.2, abs=1e-6)
        assert self.measures.vertical_peak_to_peak_right == pytest.approx(0.2, abs=1e-6)
        assert self.measures.horizontal_peak_to_peak == pytest.approx(0, abs=1e-6)
        assert self.measures.vertical_offset_std == pytest.approx(0.1, rel=0.01)

    def test_degrees(self) -> None:
        # 0.1 eye widths of 60 px are 6 px; the iris, 24 px wide, is 11.7 mm, so that is 2.925 mm;
        # asin(2.925 / 10) is 17.01 degrees, twice of it peak to peak.
        assert self.measures.vertical_peak_to_peak_deg_est == pytest.approx(34.02, abs=0.01)

    def test_blinks(self) -> None:
        assert self.measures.blink_count == 4
        assert self.measures.incomplete_blink_count == 0
        assert self.measures.prolonged_closure_count == 0
        assert self.measures.blink_rate_per_min == pytest.approx(8, rel=0.01)
        assert self.measures.blink_duration_median_s == pytest.approx(0.2)
        # 150, 170 and 280 frames.
        assert self.measures.inter_blink_interval_median_s == pytest.approx(170 / 30)

    def test_perclos(self) -> None:
        # Four times 6 of 899 frame intervals: each closure's two half intervals make one.
        assert self.measures.perclos == pytest.approx(24 / 899)
        assert self.measures.open_ear == pytest.approx(0.3, abs=1e-6)


def test_rates_divide_by_the_time_in_which_the_face_was_seen() -> None:
    ear = np.full(900, 0.3)
    blink(ear, 100, 6)
    blink(ear, 200, 6)
    landmarks = make_landmarks(ear, 0)
    landmarks[450:] = np.nan
    measures = analyze_track(make_track(landmarks), Parameters()).measures
    assert measures.blink_rate_per_min == pytest.approx(8, rel=0.01)


def test_a_shut_eye_is_prolonged_and_no_blink() -> None:
    ear = np.full(900, 0.3)
    blink(ear, 300, 70)
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    assert analysis.closures.kind.tolist() == [PROLONGED_CLOSURE]
    assert analysis.measures.blink_count == 0


def test_amplitudes_are_told_apart_by_eye() -> None:
    ear = np.full((900, 2), 0.3)
    ear[300:306] = (0.03, 0.15)  # left, right
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    np.testing.assert_allclose(analysis.eye_amplitude, [[0.9, 0.5]], atol=1e-5)
    assert analysis.closures.least_ratio == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize("open_ear", [0.17, 0.24, 0.36])
def test_the_threshold_is_scaled_with_the_person_unless_fixed(open_ear: float) -> None:
    ear = np.full(900, open_ear)
    blink(ear, 300, 6, 0.7 * open_ear)
    track = make_track(make_landmarks(ear, 0))
    adaptive = analyze_track(track, Parameters())
    assert adaptive.closures.kind.tolist() == [BLINK]
    fixed = analyze_track(track, Parameters(blink_baseline="fixed"))
    # An EAR of 0.18 closes: the narrow eye always is, the wide one never.
    expected = {0.17: 0, 0.24: 1, 0.36: 0}[open_ear]
    assert fixed.measures.blink_count == expected
    assert np.unique(fixed.baseline).tolist() == [0.24]


@pytest.mark.parametrize("case", ["shut", "lost"])
def test_a_baseline_that_cannot_be_trusted_falls_back_and_says_so(case: str) -> None:
    ear = np.full(900, 0.3)
    if case == "shut":
        blink(ear, 0, 800)
    landmarks = make_landmarks(ear, 0)
    if case == "lost":
        landmarks[100:700] = np.nan
    analysis = analyze_track(make_track(landmarks), Parameters())
    assert not analysis.baseline_trusted
    assert np.unique(analysis.baseline).tolist() == [0.24]
    assert "baseline_fixed" in [c.code for c in assess(analysis).cautions]


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("seen", [True, False])
def test_hardly_any_frames(count: int, seen: bool, tmp_path: Path) -> None:
    landmarks = make_landmarks(np.full(count, 0.3), 0)[:count]
    if not seen:
        landmarks[:] = np.nan
    analysis = analyze_track(make_track(landmarks), Parameters())
    assessment = assess(analysis)
    assert assessment.status == "not_assessable"
    summary = summarize(analysis, assessment, "x.mp4")
    assert json.loads(to_json(summary)) == summary
    assert summary["psp_suspected"] is False
    write_analysis(tmp_path, "x", analysis, summary)


class TestVerdict:
    @pytest.mark.parametrize(
        ("amplitude", "status"), [(0.029, "suspected"), (0.031, "not_suspected")]
    )
    def test_on_either_side_of_the_threshold(self, amplitude: float, status: str) -> None:
        analysis = recording(amplitude)
        assessment = assess(analysis)
        assert (assessment.status, assessment.reasons) == (status, ())
        summary = summarize(analysis, assessment, "x.mp4")
        assert summary["psp_suspected"] == (status == "suspected")
        assert "0.06" in summary["psp_rule_reason"]

    def test_borderline(self) -> None:
        """A range that comes from a few seconds: draws without them fall below the threshold."""
        vertical = np.zeros(900)
        vertical[600:690] = 0.1
        track = make_track(make_landmarks(np.full(900, 0.3), vertical))
        assessment = assess(analyze_track(track, Parameters()))
        assert assessment.status == "not_suspected"
        assert [reason.code for reason in assessment.reasons] == ["borderline"]
        assert assessment.reasons[0].message in assessment.rule_reason

    @pytest.mark.parametrize("vpp_thresh", [0.05, 0.3])
    def test_the_threshold_is_a_parameter(self, vpp_thresh: float) -> None:
        track = recording(0.05).track
        assessment = assess(analyze_track(track, Parameters(vpp_thresh=vpp_thresh)))
        assert assessment.status == ("suspected" if vpp_thresh > 0.1 else "not_suspected")


def codes(analysis: Analysis) -> tuple[list[str], list[str]]:
    assessment = assess(analysis)
    verdict = assessment.status != "not_assessable"
    assert verdict == ({reason.code for reason in assessment.reasons} <= {"borderline"})
    assert all(reason.message in assessment.rule_reason for reason in assessment.reasons)
    return [r.code for r in assessment.reasons], [c.code for c in assessment.cautions]


class TestGates:
    """One recording just outside each gate is refused, one just inside is not."""

    @pytest.mark.parametrize(("seconds", "reasons"), [(9.9, ["too_short"]), (10.1, [])])
    def test_too_short(self, seconds: float, reasons: list[str]) -> None:
        assert codes(recording(seconds=seconds)) == (reasons, [])

    @pytest.mark.parametrize(("open_s", "reasons"), [(4.9, ["eyes_closed"]), (5.3, [])])
    def test_eyes_closed(self, open_s: float, reasons: list[str]) -> None:
        ear = np.full(360, 0.3)
        # 0.1 s of guard follow the closure.
        blink(ear, 0, 360 - round((open_s + 0.1) * FPS))
        assert codes(analyze_track(make_track(make_landmarks(ear, 0)), Parameters()))[0] == reasons

    @pytest.mark.parametrize(("share", "reasons"), [(0.69, ["face_lost"]), (0.71, [])])
    def test_face_lost(self, share: float, reasons: list[str]) -> None:
        landmarks = recording().track.landmarks.copy()
        landmarks[round(share * len(landmarks)) :] = np.nan
        assert codes(analyze_track(make_track(landmarks), Parameters()))[0] == reasons

    @pytest.mark.parametrize(("fps", "reasons"), [(8.9, ["low_rate"]), (9.1, [])])
    def test_low_rate(self, fps: float, reasons: list[str]) -> None:
        track = make_track(recording().track.landmarks, fps=fps)
        assert codes(analyze_track(track, Parameters()))[0] == reasons

    @pytest.mark.parametrize(("eye_px", "reasons"), [(19.5, ["eyes_too_small"]), (20.5, [])])
    def test_eyes_too_small(self, eye_px: float, reasons: list[str]) -> None:
        track = make_track(recording().track.landmarks * np.float32(eye_px / 60))
        assert codes(analyze_track(track, Parameters()))[0] == reasons

    @pytest.mark.parametrize(("yaw_deg", "reasons"), [(24.5, []), (25.5, ["head_turned"])])
    @pytest.mark.parametrize("side", [-1, 1])
    def test_head_turned(self, yaw_deg: float, reasons: list[str], side: int) -> None:
        landmarks = recording().track.landmarks.copy()
        # The outer canthi stand at 210 and 430: 110 px to either side of the middle.
        landmarks[:, 26, 0] = 320 + side * 110 * np.tan(np.radians(yaw_deg))
        assert codes(analyze_track(make_track(landmarks), Parameters()))[0] == reasons

    @pytest.mark.parametrize(
        ("ratio", "expected"),
        [
            (0.04, ([], [])),
            (0.06, ([], ["other_face"])),
            (0.49, ([], ["other_face"])),
            (0.5, (["several_faces"], [])),
        ],
    )
    def test_several_faces(self, ratio: float, expected: tuple[list[str], list[str]]) -> None:
        track = make_track(recording().track.landmarks, other_face_ratio=ratio)
        assert codes(analyze_track(track, Parameters())) == expected

    @pytest.mark.parametrize(
        ("info", "caution"),
        [
            ({"complete": False}, "max_frames_reached"),
            ({"frames_failed": 60}, "video_damaged"),
            ({"frames_decoded": 800}, "video_damaged"),
            ({"time_source": "stream_repaired"}, "timestamps_repaired"),
            ({"time_source": "frame_rate"}, "timestamps_unusable"),
        ],
    )
    def test_cautions(self, info: dict[str, object], caution: str) -> None:
        track = make_track(recording().track.landmarks, **info)
        assert codes(analyze_track(track, Parameters())) == ([], [caution])


def test_lowered_lids_are_mentioned_with_a_suspicion() -> None:
    """Lids at 0.4 of their usual opening may be shut, or lowered over eyes that look down."""
    ear = np.full(900, 0.3)
    ear[600:] = 0.12
    vertical = np.where(np.arange(900) < 600, 0.0, 0.2)
    assessment = assess(analyze_track(make_track(make_landmarks(ear, vertical)), Parameters()))
    assert assessment.status == "suspected"
    assert [caution.code for caution in assessment.cautions] == ["lids_lowered"]
    assert "10.0 s" in assessment.cautions[0].message
    assert assessment.cautions[0].message in assessment.rule_reason


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("step", 0),
            ("step", 31),
            ("vpp_thresh", 0.0),
            ("vpp_thresh", float("nan")),
            ("vpp_thresh", float("inf")),
            ("blink_thresh", 0.24),
            ("max_frames", 0),
            ("max_frames", 10**9),
            ("blink_min_frames", 16),
            ("blink_baseline", "person"),
        ],
    )
    def test_out_of_range_names_the_field_the_value_and_the_range(
        self, name: str, value: object
    ) -> None:
        with pytest.raises(ValueError, match=rf"{name} is .*{value}.*, expected .* (to|or) "):
            Parameters(**{name: value})  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("name", "value"),
        [("step", 1.5), ("step", "1"), ("step", True), ("vpp_thresh", "x"), ("vpp_thresh", None)],
    )
    def test_wrong_type(self, name: str, value: object) -> None:
        with pytest.raises(TypeError, match=f"{name} is "):
            Parameters(**{name: value})  # type: ignore[arg-type]

    def test_defaults_close_at_three_quarters_of_the_open_eye(self) -> None:
        assert Parameters().close_ratio == pytest.approx(0.75)


def test_the_same_track_gives_the_same_answer_bit_for_bit() -> None:
    track = recording().track
    first, second = (analyze_track(track, Parameters()).measures for _ in range(2))
    assert dataclasses.asdict(first) == dataclasses.asdict(second)
