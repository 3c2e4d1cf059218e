"""From tracks with known numbers to measures, quality and the verdict."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kernels import BLINK, FACE_MESH_INDICES, FLUTTER, PROLONGED_CLOSURE
from tests.made_tracks import EYE_WIDTH_PX, blink, make_landmarks, make_track, turn_head
from tracker.files.summary import summarize, to_json, write_analysis
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import Phase, parse_protocol
from tracker.video.frames import VideoInfo

FPS = 30
ASKED = Parameters(task="up_down")
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
    return analyze_track(make_track(make_landmarks(ear, vertical)), ASKED)


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
        # From the last frame with open eyes to the first one.
        assert self.measures.blink_duration_median_s == pytest.approx(7 / 30)
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
    assert analysis.events.closures.kind.tolist() == [PROLONGED_CLOSURE]
    assert analysis.measures.blink_count == 0


def test_amplitudes_are_told_apart_by_eye() -> None:
    ear = np.full((900, 2), 0.3)
    ear[300:306] = (0.03, 0.15)  # left, right
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    np.testing.assert_allclose(analysis.events.eye_amplitude, [[0.9, 0.5]], atol=1e-5)
    assert analysis.events.closures.least_ratio == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize("open_ear", [0.17, 0.24, 0.36])
def test_the_threshold_is_scaled_with_the_person_unless_fixed(open_ear: float) -> None:
    ear = np.full(900, open_ear)
    blink(ear, 300, 6, 0.7 * open_ear)
    track = make_track(make_landmarks(ear, 0))
    adaptive = analyze_track(track, Parameters())
    assert adaptive.events.closures.kind.tolist() == [BLINK]
    fixed = analyze_track(track, Parameters(blink_baseline="fixed"))
    # An EAR of 0.18 closes: the narrow eye always is, the wide one never.
    expected = {0.17: 0, 0.24: 1, 0.36: 0}[open_ear]
    assert fixed.measures.blink_count == expected
    assert np.unique(fixed.events.baseline).tolist() == [0.24]


@pytest.mark.parametrize("case", ["shut", "lost"])
def test_a_baseline_that_cannot_be_trusted_falls_back_and_says_so(case: str) -> None:
    ear = np.full(900, 0.3)
    if case == "shut":
        blink(ear, 0, 800)
    landmarks = make_landmarks(ear, 0)
    if case == "lost":
        landmarks[100:700] = np.nan
    analysis = analyze_track(make_track(landmarks), Parameters())
    assert not analysis.traces.baseline_trusted
    assert np.unique(analysis.events.baseline).tolist() == [0.24]
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
    assert json.loads(to_json(summary.to_dict())) == summary.to_dict()
    assert summary.psp_suspected is False
    write_analysis(tmp_path, "x", analysis, summary)


class TestVerdict:
    @pytest.mark.parametrize(
        ("amplitude", "status"),
        [
            (0.0215, "suspected"),
            (0.023, "borderline"),
            (0.0299, "borderline"),
            (0.0301, "borderline"),
            (0.046, "borderline"),
            (0.05, "not_suspected"),
        ],
    )
    def test_on_either_side_of_the_threshold(self, amplitude: float, status: str) -> None:
        """One look up and one down reach 0.319 of the range: 2.776 * 0.1 * sqrt(1 + 1.2816**2) / 2
        of it each. How the face is framed is worth 8 % more, one standard deviation: 0.157. Both
        together are 0.356, so limits are at 0.0221 and 0.0466.
        """
        analysis = recording(amplitude)
        assessment = assess(analysis)
        assert assessment.status == status
        assert [reason.code for reason in assessment.reasons] == ["borderline"] * (
            status == "borderline"
        )
        summary = summarize(analysis, assessment, "x.mp4").to_dict()
        assert summary["psp_suspected"] == (status == "suspected")
        assert "0.06" in summary["psp_rule_reason"]

    def test_borderline(self) -> None:
        """A range that comes from a few seconds: draws without them fall below the threshold."""
        vertical = np.zeros(900)
        vertical[600:690] = 0.1
        track = make_track(make_landmarks(np.full(900, 0.3), vertical))
        assessment = assess(analyze_track(track, ASKED))
        assert assessment.status == "borderline"
        assert [reason.code for reason in assessment.reasons] == ["borderline"]
        assert assessment.reasons[0].message in assessment.rule_reason

    @pytest.mark.parametrize("vpp_thresh", [0.05, 0.3])
    def test_the_threshold_is_a_parameter(self, vpp_thresh: float) -> None:
        track = recording(0.05).track
        assessment = assess(analyze_track(track, replace(ASKED, vpp_thresh=vpp_thresh)))
        assert assessment.status == ("suspected" if vpp_thresh > 0.1 else "not_suspected")


def codes(analysis: Analysis) -> tuple[list[str], list[str]]:
    assessment = assess(analysis)
    verdict = assessment.status != "not_assessable"
    assert verdict == ({reason.code for reason in assessment.reasons} <= {"borderline"})
    assert all(reason.message in assessment.rule_reason for reason in assessment.reasons)
    return [r.code for r in assessment.reasons], [c.code for c in assessment.cautions]


@pytest.mark.parametrize("amplitude", [0.01, 0.1])
@pytest.mark.parametrize(
    ("info", "lids", "code"),
    [
        ({"complete": False}, 0.3, "max_frames_reached"),
        ({"frames_failed": 60}, 0.3, "video_damaged"),
        ({"video": VideoInfo(640, 480, 30, 1800)}, 0.3, "video_damaged"),
        # Lids at 0.2 of their usual opening are shut.
        ({}, 0.06, "eyes_held_shut"),
    ],
)
def test_what_was_not_seen_never_makes_a_suspicion(
    info: dict[str, object], lids: float, code: str, amplitude: float
) -> None:
    ear = np.full(900, 0.3)
    ear[600:] = lids
    vertical = np.where(np.arange(900) < 300, -amplitude, amplitude)
    assessment = assess(analyze_track(make_track(make_landmarks(ear, vertical), **info), ASKED))
    # A third of the time with shut eyes does not count for the gaze either.
    more = ["gaze_partly_used"] if code == "eyes_held_shut" else []
    assert [caution.code for caution in assessment.cautions] == [code, *more]
    if amplitude == 0.01:
        assert assessment.status == "not_assessable"
        assert [reason.code for reason in assessment.reasons] == [code]
    else:
        assert assessment.status == "not_suspected"


@pytest.mark.parametrize(
    ("nominal_fps", "claimed"),
    [(600, 18_000), (30, 930), (0, 5000), (25, 780)],
    ids=["a clock as rate", "estimated", "no rate", "variable rate"],
)
def test_a_count_that_the_times_contradict_is_no_damage(nominal_fps: float, claimed: int) -> None:
    video = VideoInfo(640, 480, nominal_fps, claimed)
    assert (
        codes(analyze_track(make_track(recording().track.landmarks, video=video), Parameters()))[1]
        == []
    )


def test_looking_aside_does_not_clear() -> None:
    """The measured iris rises by a sixth of its way aside; that is no vertical range."""
    times_s = np.arange(900) / FPS
    horizontal = np.where(times_s % 3 < 1, 0.4, 0.0)
    vertical = -0.17 * horizontal
    track = make_track(make_landmarks(np.full(900, 0.3), vertical, horizontal))
    analysis = analyze_track(track, Parameters())
    assert analysis.measures.vertical_peak_to_peak == pytest.approx(0.068, abs=1e-4)
    assert analysis.measures.vertical_peak_to_peak_ahead == pytest.approx(0, abs=1e-4)
    assert codes(analysis)[0] == ["looked_aside"]
    up_too = np.where(times_s < 15, -0.1, 0.0) + vertical
    track = make_track(make_landmarks(np.full(900, 0.3), up_too, horizontal))
    assert codes(analyze_track(track, Parameters()))[0] == []


def test_irises_that_are_not_there_clear_nobody() -> None:
    landmarks = recording().track.landmarks.copy()
    landmarks[:, [FACE_MESH_INDICES.index(473), FACE_MESH_INDICES.index(468)]] = np.nan
    assert codes(analyze_track(make_track(landmarks), Parameters()))[0] == ["gaze_not_measured"]


def test_a_large_step_is_not_taken_for_a_missing_face() -> None:
    track = make_track(recording().track.landmarks[::30].copy(), fps=1)
    assert codes(analyze_track(track, Parameters()))[0] == ["low_rate"]


@pytest.mark.parametrize("cut_off", [slice(0, 20), slice(880, 900)], ids=["begins", "ends"])
def test_lids_that_are_cut_off_half_shut_are_no_gaze(cut_off: slice) -> None:
    ear = np.full(900, 0.3)
    ear[cut_off] = 0.17
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    assert analysis.events.closures.kind.tolist() == []
    assert not analysis.gaze.valid[cut_off].any()
    assert analysis.gaze.valid.sum() == 880


def gaze_and_lids(lids: float, gaze: float, frames: slice) -> Analysis:
    """A person who blinks twice, and whose lids and gaze go down for some frames."""
    ear, vertical = np.full(900, 0.3), np.zeros(900)
    for start in (100, 800):
        blink(ear, start, 6, 0.03)
    ear[frames], vertical[frames] = lids, gaze
    return analyze_track(make_track(make_landmarks(ear, vertical)), Parameters())


@pytest.mark.parametrize("seconds", [1.5, 4.0, 10.0])
@pytest.mark.parametrize("lids", [0.2, 0.12, 0.06])
def test_lids_that_go_down_with_the_gaze_are_open_eyes(lids: float, seconds: float) -> None:
    frames = slice(300, 300 + round(30 * seconds))
    analysis = gaze_and_lids(lids, 0.1, frames)
    assert analysis.events.closures.kind.tolist() == [BLINK, BLINK]
    ((start, stop),) = analysis.events.lowered.tolist()
    assert (start, stop) == pytest.approx((frames.start, frames.stop), abs=4)
    assert analysis.measures.lids_lowered_s == pytest.approx(seconds, abs=0.25)
    # The irises stay in sight, so that their range is measured; PERCLOS knows the blinks alone.
    assert not analysis.events.iris_hidden.any()
    assert analysis.measures.down_range == pytest.approx(0.1, abs=1e-3)
    assert analysis.measures.perclos == pytest.approx(12 / 899, abs=1e-6)


def test_an_iris_behind_a_lowered_lid_is_no_gaze() -> None:
    landmarks = make_landmarks(np.full(900, 0.3), 0)
    landmarks[100:106] = make_landmarks(np.full(6, 0.03), 0)
    # Lids 0.1 apart, both shifted down by 0.1: the upper one's edge, at 0.05, covers the iris'
    # centre at 0.04.
    down = make_landmarks(np.full(200, 0.1), 0.04)
    lids = [FACE_MESH_INDICES.index(n) for n in (385, 387, 386, 160, 158, 159)]
    lids += [FACE_MESH_INDICES.index(n) for n in (380, 373, 374, 144, 153, 145)]
    down[:, lids, 1] += 0.1 * EYE_WIDTH_PX
    landmarks[300:500] = down
    analysis = analyze_track(make_track(landmarks), Parameters())
    assert analysis.events.closures.kind.tolist() == [BLINK]
    assert analysis.events.iris_hidden[305:495].all()
    assert not analysis.gaze.valid[305:495].any()
    assert "lids_lowered" in codes(analysis)[1]


def test_lids_that_narrow_without_the_gaze_are_not_called_lowered() -> None:
    analysis = gaze_and_lids(0.2, 0.0, slice(300, 450))
    assert analysis.events.lowered.tolist() == []
    assert analysis.events.closures.kind.tolist() == [BLINK, BLINK]
    assert analysis.gaze.valid[310:440].all()


def test_lids_as_low_as_in_blinks_are_shut() -> None:
    analysis = gaze_and_lids(0.033, 0.1, slice(300, 450))
    assert analysis.events.closures.kind.tolist() == [BLINK, PROLONGED_CLOSURE, BLINK]
    assert analysis.events.closures.interval[1].tolist() == [300, 450]
    assert analysis.events.lowered.tolist() == []


def test_lids_are_lowered_while_the_person_is_asked_to_look_down() -> None:
    ear = np.full(900, 0.3)
    blink(ear, 100, 6, 0.03)
    ear[300:600] = 0.033
    protocol = (Phase("up", 1, 5), Phase("down", 9.5, 20))
    track = make_track(make_landmarks(ear, 0))
    analysis = analyze_track(track, Parameters(protocol=protocol))
    assert analysis.events.closures.kind.tolist() == [BLINK]
    assert len(analysis.events.lowered) == 1
    unasked = analyze_track(track, Parameters())
    assert unasked.events.closures.kind.tolist() == [BLINK, PROLONGED_CLOSURE]


def test_a_glance_with_the_lids_is_gaze_and_no_closure() -> None:
    """Half a second down, with lids that follow: below the closing threshold, but no blink."""
    ear, vertical = np.full(900, 0.3), np.zeros(900)
    for start in range(60, 860, 60):
        ear[start : start + 15], vertical[start : start + 15] = 0.2, 0.1
    analysis = analyze_track(make_track(make_landmarks(ear, vertical)), Parameters())
    assert analysis.measures.blink_count == 0
    assert analysis.gaze.valid.all()
    assert analysis.measures.down_range == pytest.approx(0.1, abs=1e-3)


def test_a_flutter_is_one_event_and_no_blinks() -> None:
    ear = np.full(900, 0.3)
    for start in range(300, 340, 4):
        ear[start : start + 2] = 0.06
    blink(ear, 600, 6)
    analysis = analyze_track(make_track(make_landmarks(ear, 0)), Parameters())
    assert analysis.events.closures.kind.tolist() == [FLUTTER, BLINK]
    assert analysis.events.closures.interval[0].tolist() == [300, 338]
    assert (analysis.measures.blink_count, analysis.measures.flutter_count) == (1, 1)
    assert not analysis.gaze.valid[300:338].any()


def test_hardly_any_valid_time_has_no_rate() -> None:
    ear = np.full(900, 0.3)
    blink(ear, 5, 6)
    landmarks = make_landmarks(ear, 0)
    landmarks[25:] = np.nan
    measures = analyze_track(make_track(landmarks), Parameters()).measures
    assert np.isnan(measures.blink_rate_per_min)
    assert np.isnan(measures.blink_rate_per_min_ci95).all()


def test_a_range_just_below_the_threshold_does_not_read_as_equal() -> None:
    analysis = recording(0.029995)
    certain = replace(analysis.measures, vertical_peak_to_peak_ci95=(0.0599, 0.05999))
    assessment = assess(replace(analysis, measures=certain))
    assert assessment.status == "suspected"
    assert "range, 0.059 of the eye's width (95 % interval 0.059 to 0.059), is below 0.06" in (
        assessment.rule_reason
    )


def noisy(rng: np.random.Generator, vertical: np.ndarray, jitter: float) -> np.ndarray:
    return vertical + rng.normal(0, jitter, vertical.shape)


class TestGaze:
    """What is told of the gaze besides its range."""

    def test_up_and_down_are_counted_from_where_the_recording_begins(self) -> None:
        times_s = np.arange(900) / FPS
        vertical = np.full(900, -0.04)
        vertical[(times_s >= 5) & (times_s < 15)] = -0.14
        vertical[times_s >= 20] = -0.01
        measures = analyze_track(
            make_track(make_landmarks(np.full(900, 0.3), vertical)), Parameters()
        ).measures
        assert measures.primary_position_source == "assumed_first_second"
        assert measures.primary_position == pytest.approx(-0.04, abs=1e-5)
        assert measures.up_range == pytest.approx(0.1, abs=1e-5)
        assert measures.down_range == pytest.approx(0.03, abs=1e-5)

    def test_without_a_gaze_at_the_beginning_there_is_no_primary_position(self) -> None:
        ear = np.full(900, 0.3)
        blink(ear, 0, 45)
        measures = analyze_track(
            make_track(make_landmarks(ear, np.zeros(900))), Parameters()
        ).measures
        assert measures.primary_position_source is None
        assert np.isnan(measures.up_range)
        assert np.isnan(measures.down_range)

    @pytest.mark.parametrize(
        ("phases", "source", "primary"),
        [
            ([("up", 5, 15), ("rest", 20, 25)], "protocol", 0.2),
            # At rest, people look anywhere: their look at the camera goes first.
            ([("fixate", 0, 4), ("up", 5, 15), ("rest", 20, 30)], "protocol", 0.05),
            ([("up", 5, 15), ("down", 15, 20)], "before_protocol", 0.05),
            ([("up", 0, 15)], None, np.nan),
        ],
    )
    def test_the_primary_position_of_a_protocol(
        self, phases: list[tuple[str, float, float]], source: str | None, primary: float
    ) -> None:
        times_s = np.arange(900) / FPS
        vertical = np.where(times_s < 5, 0.05, np.where(times_s < 20, -0.1, 0.2))
        items = [{"phase": name, "start_s": s, "end_s": e} for name, s, e in phases]
        measures = analyze_track(
            make_track(make_landmarks(np.full(900, 0.3), vertical)),
            Parameters(protocol=parse_protocol(items)),
        ).measures
        assert measures.primary_position_source == source
        assert measures.primary_position == pytest.approx(primary, abs=1e-5, nan_ok=True)

    def test_the_distance_to_the_threshold_is_told_in_intervals_and_noise(
        self, rng: np.random.Generator
    ) -> None:
        vertical = np.where(np.arange(900) % 120 < 60, -0.04, 0.04)
        landmarks = make_landmarks(np.full(900, 0.3), noisy(rng, vertical, 0.004))
        measures = analyze_track(make_track(landmarks), Parameters()).measures
        low, high = measures.vertical_peak_to_peak_ci95
        distance = measures.vertical_peak_to_peak - 0.06
        assert measures.threshold_distance == distance > 0
        assert measures.threshold_distance_in_ci_half_widths == pytest.approx(
            distance / (measures.vertical_peak_to_peak - low)
        )
        # Six standard deviations of normal jitter are 1.82 times its 5th to 95th percentile.
        assert measures.threshold_distance_in_noise_floors == pytest.approx(
            distance / (3.29 * 0.004), rel=0.15
        )
        below = analyze_track(make_track(landmarks), Parameters(vpp_thresh=0.2)).measures
        assert below.threshold_distance_in_ci_half_widths == pytest.approx(
            (below.vertical_peak_to_peak - 0.2) / (high - below.vertical_peak_to_peak)
        )

    def test_degrees_have_bounds(self) -> None:
        """Of a range of 0.04 whose interval reaches 0.356 of it (see `TestVerdict`): 10 % less, if
        all was followed; 10 % more over 0.15. Nobody's eyes turn by more than 110 degrees."""
        low, high = recording(0.02).measures.vertical_peak_to_peak_deg_range
        # As above: an eye width is 2.925 radii, and the range is taken about straight ahead.
        angles = [2 * np.degrees(np.arcsin(2.925 * 0.02 * (1 + s * 0.3555))) for s in (-1, 1)]
        assert low == pytest.approx(0.9 * angles[0], rel=0.01)
        assert high == pytest.approx(1.1 * angles[1] / 0.15, rel=0.01)
        assert recording(0.1).measures.vertical_peak_to_peak_deg_range[1] == 110

    def test_the_lower_bound_of_eyes_at_rest_is_zero(self, rng: np.random.Generator) -> None:
        still = make_landmarks(np.full(900, 0.3), noisy(rng, np.zeros(900), 0.004))
        measures = analyze_track(make_track(still), Parameters()).measures
        assert measures.vertical_peak_to_peak > 0.01
        assert measures.vertical_peak_to_peak_deg_range[0] == 0

    def test_eyes_that_move_apart_do_not_correlate(self) -> None:
        wave = np.where(np.arange(900) % 60 < 30, -0.05, 0.05)
        apart = np.stack((wave, -wave), axis=1)
        measures = analyze_track(
            make_track(make_landmarks(np.full((900, 2), 0.3), apart)), Parameters()
        ).measures
        assert measures.vertical_eye_correlation == pytest.approx(-1)
        assert measures.vertical_peak_to_peak == pytest.approx(0, abs=1e-5)

    def test_looks_in_turned_regions_correct_the_gain(self, rng: np.random.Generator) -> None:
        """The turned views see 10 % more of the movement: the prior leaves a part of that."""
        vertical = np.where(np.arange(900) % 120 < 60, -0.05, 0.05)
        seen = noisy(rng, vertical, 0.002)
        track = make_track(make_landmarks(np.full(900, 0.3), seen))
        sample = np.arange(0, 900, 10)
        turned = make_landmarks(np.full(90, 0.3), noisy(rng, 1.1 * vertical[sample], 0.002))
        track = dataclasses.replace(
            track,
            second_pass_sample=sample,
            second_pass_landmarks=turned,
            second_pass_turn=np.arange(90) % 4,
        )
        analysis = analyze_track(track, Parameters())
        assert analysis.gaze.framing_gain == pytest.approx(1.1, abs=0.02)
        plain = analyze_track(make_track(track.landmarks), Parameters())
        assert analysis.measures.vertical_peak_to_peak == pytest.approx(
            analysis.gaze.framing_gain * plain.measures.vertical_peak_to_peak
        )
        assert analysis.measures.vertical_offset_median == pytest.approx(
            plain.measures.vertical_offset_median, abs=0.02
        )

    def test_frames_with_the_head_away_do_not_count(self) -> None:
        vertical = np.full(900, 0.0)
        vertical[600:] = -0.2
        away = np.where(np.arange(900) >= 600, 11.0, 0.0)
        for turned in (
            turn_head(make_landmarks(np.full(900, 0.3), vertical), yaw_deg=2 * away),
            turn_head(make_landmarks(np.full(900, 0.3), vertical), pitch_deg=away),
        ):
            analysis = analyze_track(make_track(turned), Parameters())
            assert analysis.gaze.valid.tolist() == [True] * 600 + [False] * 300
            assert analysis.measures.vertical_peak_to_peak == pytest.approx(0, abs=1e-4)


def test_a_wink_is_counted_apart_and_is_no_gaze(tmp_path: Path) -> None:
    ears = np.full((900, 2), 0.3)
    ears[300:318, 0] = 0.06
    # Within the wink the other eye blinks, so that both are shut.
    ears[310:314, 1] = 0.06
    ears[500:506] = 0.06
    vertical = np.zeros(900)
    vertical[300:318] = 0.4
    analysis = analyze_track(make_track(make_landmarks(ears, vertical)), Parameters())
    assert analysis.measures.blink_count == 1
    assert analysis.events.closures.interval.tolist() == [[500, 506]]
    assert analysis.measures.wink_count == 1
    assert analysis.events.winks.tolist() == [[300, 310]]
    assert analysis.measures.vertical_peak_to_peak == pytest.approx(0, abs=1e-5)
    write_analysis(tmp_path, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    rows = (tmp_path / "a.frames.csv").read_text().splitlines()
    assert sum("wink_left" in row for row in rows) == 10
    assert "wink" not in (tmp_path / "a.blinks.csv").read_text()


def test_a_weak_lid_makes_no_winks() -> None:
    """Whose eyes never close alike has blinks and prolonged closures, not winks."""
    ears = np.full((900, 2), 0.3)
    for start, stop in ((100, 106), (200, 215), (400, 470), (600, 606)):
        ears[start:stop] = 0.03, 0.19
    analysis = analyze_track(make_track(make_landmarks(ears, np.zeros(900))), Parameters())
    assert analysis.measures.wink_count == 0
    assert analysis.events.closures.interval.tolist() == [
        [100, 106],
        [200, 215],
        [400, 470],
        [600, 606],
    ]
    assert analysis.measures.prolonged_closure_count == 1
    only = ears[150:250]
    alone = analyze_track(make_track(make_landmarks(only, np.zeros(100))), Parameters())
    assert alone.measures.wink_count == 0


def test_an_eye_held_shut_hides_the_range() -> None:
    """A tenth of the time with one eye shut is not evidence of a gaze that does not move."""
    ears = np.full((900, 2), 0.3)
    for start in (100, 250, 400):
        ears[start : start + 6] = 0.05
    ears[500:700, 0] = 0.03
    vertical = np.where((np.arange(900) >= 500) & (np.arange(900) < 700), 0.1, 0.0)
    analysis = analyze_track(make_track(make_landmarks(ears, vertical)), Parameters())
    assert analysis.measures.wink_count == 1
    assert analysis.measures.vertical_peak_to_peak == pytest.approx(0, abs=1e-5)
    assert codes(analysis)[0] == ["eyes_held_shut"]


class TestProtocol:
    """Ahead for 5 s, up, down, ahead; hand-worked."""

    PROTOCOL = parse_protocol(
        [
            {"phase": "fixate", "start_s": 0, "end_s": 5},
            {"phase": "up", "start_s": 5, "end_s": 15},
            {"phase": "down", "start_s": 15, "end_s": 25},
            {"phase": "left", "start_s": 25, "end_s": 30},
        ]
    )

    @staticmethod
    def analyze(up: float, down: float, delay_s: float = 0.4) -> Analysis:
        """Look up by `up` and down by `down`, `delay_s` after being asked; then left by 0.2."""
        times_s = np.arange(900) / FPS
        vertical = np.full(900, -0.05)
        vertical[times_s >= 5 + delay_s] -= up
        vertical[times_s >= 15 + delay_s] = -0.05 + down
        vertical[times_s >= 25] = -0.05
        horizontal = np.where(times_s >= 25, 0.2, 0.0)
        track = make_track(make_landmarks(np.full(900, 0.3), vertical, horizontal))
        return analyze_track(track, Parameters(protocol=TestProtocol.PROTOCOL))

    def test_phases(self) -> None:
        phases = {phase.phase: phase for phase in self.analyze(0.08, 0.03).phases}
        assert phases["up"].reached == pytest.approx(0.08, abs=1e-5)
        assert phases["up"].held == pytest.approx(0.08, abs=1e-5)
        assert phases["up"].latency_s == pytest.approx(0.4, abs=0.04)
        assert phases["down"].reached == pytest.approx(0.03, abs=1e-5)
        assert phases["down"].latency_s == pytest.approx(0.4, abs=0.04)
        assert phases["left"].reached == pytest.approx(0.2, abs=1e-5)
        assert phases["left"].latency_s == pytest.approx(0, abs=0.04)
        assert np.isnan(phases["fixate"].reached)
        assert phases["fixate"].gaze_time_s == pytest.approx(5, abs=0.04)

    def test_a_movement_behind_a_blink_has_no_latency(self) -> None:
        times_s = np.arange(900) / FPS
        vertical = np.where((times_s >= 5.4) & (times_s < 15), -0.1, 0.0)
        ear = np.full(900, 0.3)
        blink(ear, round(5.3 * FPS), 6)
        track = make_track(make_landmarks(ear, vertical))
        up = analyze_track(track, Parameters(protocol=self.PROTOCOL)).phases[1]
        assert up.reached == pytest.approx(0.1, abs=1e-5)
        assert np.isnan(up.latency_s)
        assert up.latency_reason == "hidden"

    def test_a_gaze_that_falls_back_reaches_but_does_not_hold(self) -> None:
        times_s = np.arange(900) / FPS
        vertical = np.where((times_s >= 5.4) & (times_s < 8), -0.1, 0.0)
        track = make_track(make_landmarks(np.full(900, 0.3), vertical))
        up = analyze_track(track, Parameters(protocol=self.PROTOCOL)).phases[1]
        assert up.reached == pytest.approx(0.1, abs=1e-5)
        assert up.held == pytest.approx(0, abs=1e-5)

    def test_the_verdict_uses_the_vertical_phases(self) -> None:
        analysis = self.analyze(0.08, 0.08)
        assert analysis.measures.vertical_peak_to_peak == pytest.approx(0.16, abs=1e-5)
        assessment = assess(analysis)
        assert assessment.status == "not_suspected"
        still = assess(self.analyze(0.01, 0.01))
        assert still.status == "suspected"
        assert "was asked to look up and down" in still.rule_reason
        summary = summarize(analysis, assessment, "x.mp4").to_dict()
        assert summary["task"] == "protocol"
        assert json.loads(to_json(summary))["phases"][0]["reached"] is None

    def test_a_movement_outside_the_task_does_not_count(self) -> None:
        """Who looks up only when nobody asked has not done the task."""
        times_s = np.arange(900) / FPS
        vertical = np.where(times_s >= 25, -0.2, 0.0)
        track = make_track(make_landmarks(np.full(900, 0.3), vertical))
        analysis = analyze_track(track, Parameters(protocol=self.PROTOCOL))
        assert analysis.measures.vertical_peak_to_peak == pytest.approx(0, abs=1e-5)
        # But can: that is no evidence of a palsy.
        assert codes(analysis)[0] == ["protocol_mismatch"]
        assumed = assess(analyze_track(track, Parameters()))
        assert assumed.status == "not_suspected"

    def test_a_protocol_the_other_way_round_is_mentioned(self) -> None:
        assert codes(self.analyze(0.08, 0.06)) == ([], [])
        assert codes(self.analyze(-0.08, -0.06))[1] == ["protocol_mismatch"]

    @pytest.mark.parametrize("swapped", [0, 1, 2, 3])
    def test_of_repeated_phases_most_decide_whether_they_are_the_other_way_round(
        self, swapped: int
    ) -> None:
        """The first of three pairs are swapped: 3 s up, 3 s down, and so on."""
        starts_s = np.arange(6) * 3.0
        names = ["up", "down"] * 3
        task = parse_protocol(
            [
                {"phase": name, "start_s": at_s, "end_s": at_s + 3}
                for name, at_s in zip(names, starts_s, strict=True)
            ]
        )
        step = (np.arange(540) / FPS // 3).astype(int)
        vertical = np.where(step % 2 == 0, -0.08, 0.08) * np.where(step < 2 * swapped, -1, 1)
        track = make_track(make_landmarks(np.full(540, 0.3), vertical))
        analysis = analyze_track(track, Parameters(protocol=task))
        assert ("protocol_mismatch" in codes(analysis)[1]) == (swapped >= 2)

    def test_the_app_s_task_without_a_rest_tells_where_the_eyes_were_held(self) -> None:
        times_s = np.arange(600) / FPS
        vertical = np.where(times_s < 10, -0.12, 0.03)
        task = parse_protocol(
            [
                {"phase": "up", "start_s": 0, "end_s": 10},
                {"phase": "down", "start_s": 10, "end_s": 20},
            ]
        )
        analysis = analyze_track(
            make_track(make_landmarks(np.full(600, 0.3), vertical)), Parameters(protocol=task)
        )
        up, down = analysis.phases
        assert up.held_offset == pytest.approx(-0.12, abs=1e-5)
        assert down.held_offset == pytest.approx(0.03, abs=1e-5)
        assert np.isnan(up.reached)
        assert up.latency_reason == "unseen_before"
        assert (down.latency_reason, down.latency_s) == (None, pytest.approx(0, abs=0.04))
        assert analysis.measures.primary_position_reason is not None

    @pytest.mark.parametrize("missing", ["up", "down"])
    def test_a_task_without_a_direction_is_not_assessable(self, missing: str) -> None:
        track = self.analyze(0.08, 0.08).track
        protocol = tuple(phase for phase in self.PROTOCOL if phase.phase != missing)
        analysis = analyze_track(track, Parameters(protocol=protocol))
        assert codes(analysis)[0] == [f"phase_{missing}_missing"]

    @pytest.mark.parametrize(("seen_s", "reasons"), [(0.9, ["phase_down_missing"]), (1.1, [])])
    def test_a_phase_that_is_hardly_seen_is_not_assessable(
        self, seen_s: float, reasons: list[str]
    ) -> None:
        landmarks = self.analyze(0.08, 0.08).track.landmarks.copy()
        landmarks[15 * FPS + round(seen_s * FPS) + 1 : 25 * FPS - 60] = np.nan
        landmarks[25 * FPS - 60 : 25 * FPS] = np.nan
        analysis = analyze_track(make_track(landmarks), Parameters(protocol=self.PROTOCOL))
        found = codes(analysis)[0]
        assert [code for code in found if code not in ("face_lost", "borderline")] == reasons

    @pytest.mark.parametrize(
        ("items", "says"),
        [
            ({}, "protocol is dict, expected a list"),
            ([1], "protocol\\[0\\] is 1, expected a list"),
            ([{"phase": "up"}], "protocol\\[0\\]"),
            ([{"phase": "sideways", "start_s": 0, "end_s": 1}], "expected one of up, down"),
            ([{"phase": "up", "start_s": 2, "end_s": 1}], "0 <= start_s < end_s"),
            ([{"phase": "up", "start_s": -1, "end_s": 1}], "0 <= start_s < end_s"),
            ([{"phase": "up", "start_s": 0, "end_s": float("nan")}], "0 <= start_s < end_s"),
            ([{"phase": "up", "start_s": "0", "end_s": 1}], "start_s is '0', expected a number"),
            ([{"phase": "up", "start_s": True, "end_s": 2}], "start_s is True, expected a number"),
            (
                [
                    {"phase": "up", "start_s": 0, "end_s": 2},
                    {"phase": "down", "start_s": 1, "end_s": 3},
                ],
                "expected phases in order",
            ),
        ],
    )
    def test_what_is_no_protocol_is_refused(self, items: object, says: str) -> None:
        with pytest.raises((ValueError, TypeError), match=says):
            parse_protocol(items)


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


def test_an_eye_of_no_width_is_left_out_of_the_degrees() -> None:
    """The iris over the width: 0 over 0, and something over 0, without a warning."""
    usual = recording()
    landmarks = usual.track.landmarks.copy()
    # Both canthi in one place, an EAR of 0 over 0: no face; then the iris there, too.
    for column in (362, 263):
        landmarks[300:320, FACE_MESH_INDICES.index(column)] = 400, 200
    for column in range(473, 478):
        landmarks[310:320, FACE_MESH_INDICES.index(column)] = 400, 200
    analysis = analyze_track(make_track(landmarks), Parameters())
    assert not analysis.traces.seen[300:320].any()
    assert analysis.measures.vertical_peak_to_peak_deg_est == pytest.approx(
        usual.measures.vertical_peak_to_peak_deg_est, rel=1e-4
    )


def test_the_same_track_gives_the_same_answer_bit_for_bit() -> None:
    track = recording().track
    first, second = (analyze_track(track, Parameters()).measures for _ in range(2))
    # As texts, because what is missing (NaN) equals nothing.
    assert repr(first) == repr(second)
