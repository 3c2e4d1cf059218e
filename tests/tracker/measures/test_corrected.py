"""Each correction changes what it must, by numbers worked out by hand, and nothing else.

The person of `looking` blinks at 2.0, 7.5 and 15.0 s in 720 frames at 30 a second, with shut
lids in 6 frames each. The detector's times go from the last open frame to the first open one.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.made_tracks import make_landmarks, make_track
from tests.tracker.pages.made_reports import FPS, looking
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.measures.corrections import Corrections, Stretch, TimedEvent, list_events
from tracker.parameters import Parameters
from tracker.protocol import Phase
from tracker.tracks.track import Track

FRAMES = 720
LAST_S = 719 / 30
ONSETS_S = (2.0, 7.5, 15.0)
BLINKS = tuple(TimedEvent(at_s - 1 / 30, at_s + 0.2, "blink") for at_s in ONSETS_S)
GUARDED_S = 13 / 30
"""A blink of 6 frames, with the guard of 3 frames on both sides, takes 13 intervals of the gaze."""


@pytest.fixture(scope="module")
def track() -> Track:
    return make_track(looking(), FPS)


@pytest.fixture(scope="module")
def detected(track: Track) -> Analysis:
    return analyze_track(track, Parameters())


def correct(track: Track, events: tuple[TimedEvent, ...] = BLINKS, **said: object) -> Analysis:
    corrections = Corrections("AB", "2026-01-31T09:30:00Z", "", tuple(sorted(events)), **said)  # type: ignore[arg-type]
    return analyze_track(track, Parameters(), corrections)


def measures(analysis: Analysis) -> dict[str, object]:
    return {
        name: getattr(analysis.measures, name) for name in analysis.measures.__dataclass_fields__
    }


def test_the_detected_blinks_are_where_they_were_drawn(track: Track, detected: Analysis) -> None:
    listed = list_events(detected.events, track.times_s)
    assert [one.kind for one in listed] == ["blink"] * 3
    for found, drawn in zip(listed, BLINKS, strict=True):
        assert (found.onset_s, found.offset_s) == pytest.approx((drawn.onset_s, drawn.offset_s))


def test_corrections_that_change_nothing_give_the_same(track: Track, detected: Analysis) -> None:
    kept = correct(track)
    assert repr(measures(kept)) == repr(measures(detected))
    for name in ("baseline", "ratio", "lowered", "glance", "iris_hidden", "eyes_open", "winks"):
        np.testing.assert_array_equal(getattr(kept.events, name), getattr(detected.events, name))
    for one, other in zip(
        kept.events.closures.arrays(), detected.events.closures.arrays(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert assess(kept).describe("en") == assess(detected).describe("en")


def test_a_removed_blink(track: Track, detected: Analysis) -> None:
    found, before = correct(track, BLINKS[1:]).measures, detected.measures
    assert (found.blink_count, before.blink_count) == (2, 3)
    assert found.valid_time_s == before.valid_time_s == pytest.approx(LAST_S)
    assert found.blink_rate_per_min == pytest.approx(60 * 2 / LAST_S)
    # From 7.5 s to 15 s.
    assert found.inter_blink_interval_median_s == pytest.approx(7.5)
    # Of 719 intervals, each blink covers 6.
    assert before.perclos == pytest.approx(18 / 719)
    assert found.perclos == pytest.approx(12 / 719)
    assert found.gaze_time_s - before.gaze_time_s == pytest.approx(GUARDED_S)


def test_an_added_blink(track: Track, detected: Analysis) -> None:
    analysis = correct(track, (*BLINKS, TimedEvent(10.0, 10.2, "blink")))
    found, before = analysis.measures, detected.measures
    assert found.blink_count == 4
    # The lids did not go down there: it is incomplete, and no time of shut lids is made up.
    assert found.incomplete_blink_count == 1
    assert found.perclos == before.perclos
    # Intervals of 5.5, 2.5 and 5 s, and durations of 7, 7, 7 and 6 frames.
    assert found.inter_blink_interval_median_s == pytest.approx(5.0)
    assert found.blink_duration_median_s == pytest.approx(7 / 30)
    assert before.gaze_time_s - found.gaze_time_s == pytest.approx(GUARDED_S)
    closures = analysis.events.closures
    assert closures.interval[2].tolist() == [300, 306]
    assert (closures.onset_s[2], closures.offset_s[2]) == (10.0, 10.2)
    assert closures.onset_seen[2]
    assert closures.offset_seen[2]


def test_shut_eyes_that_were_taken_for_lowered_lids() -> None:
    ear = np.full(FRAMES, 0.3)
    ear[300:330] = 0.18
    track = make_track(make_landmarks(ear, 0.0), FPS)
    before = analyze_track(track, Parameters())
    assert before.measures.prolonged_closure_count == before.measures.blink_count == 0
    assert before.gaze.valid[310]
    after = correct(track, (TimedEvent(9.9, 11.1, "prolonged_closure"),))
    assert after.measures.prolonged_closure_count == 1
    closures = after.events.closures
    assert closures.least_ratio[0] == pytest.approx(0.6, abs=1e-5)
    # The lids are down by nine tenths of the way a tenth of a frame before the first closed frame.
    assert closures.closed_s[0] == pytest.approx(29.2 / 30, abs=1e-4)
    assert (before.measures.perclos, after.measures.perclos) == pytest.approx((0.0, 30 / 719))
    assert not after.gaze.valid[294:336].any()


def test_a_moved_blink(track: Track, detected: Analysis) -> None:
    found = correct(track, (TimedEvent(2.5, 2.7, "blink"), *BLINKS[1:]))
    assert found.measures.blink_count == 3
    # The lids went down at 2 s; somebody says that they were not closed then.
    assert found.measures.perclos == pytest.approx(12 / 719)
    assert found.measures.inter_blink_interval_median_s == pytest.approx((5.0 + 7.5) / 2, abs=0.02)
    assert found.measures.gaze_time_s == pytest.approx(detected.measures.gaze_time_s)
    assert found.gaze.valid[60:66].all()
    assert not found.gaze.valid[72:84].any()


def test_a_blink_is_split_and_two_are_merged(track: Track, detected: Analysis) -> None:
    first, *others = BLINKS
    halves = (TimedEvent(first.onset_s, 2.08, "blink"), TimedEvent(2.08, first.offset_s, "blink"))
    split = correct(track, (*halves, *others))
    assert split.measures.blink_count == 4
    assert split.measures.perclos == detected.measures.perclos
    # Frames 59 to 62 are before 2.08 s, frames 63 to 65 before 2.2 s.
    assert split.events.closures.interval[:2].tolist() == [[59, 63], [63, 66]]
    merged = correct(track, (TimedEvent(first.onset_s, BLINKS[1].offset_s, "blink"), BLINKS[2]))
    assert merged.measures.blink_count == 2
    # One event from 2 to 7.7 s, of 172 frames: all of them are closed for the gaze.
    assert not merged.gaze.valid[59:231].any()
    assert merged.events.closures.offset_s[0] == pytest.approx(7.7)


def test_a_kind(track: Track) -> None:
    first, *others = BLINKS
    found = correct(track, (replace(first, kind="prolonged_closure"), *others)).measures
    assert (found.blink_count, found.prolonged_closure_count) == (2, 1)
    wink = correct(track, (replace(first, kind="wink_left"), *others))
    assert (wink.measures.blink_count, wink.measures.wink_count) == (2, 1)
    assert wink.events.winks.tolist() == [[59, 66]]


def test_an_unusable_stretch(track: Track, detected: Analysis) -> None:
    analysis = correct(track, unusable=(Stretch(7.0, 9.0),))
    found, before = analysis.measures, detected.measures
    # 60 frames have 61 intervals with a frame beside them.
    assert before.valid_time_s - found.valid_time_s == pytest.approx(61 / 30)
    assert found.blink_count == 2
    assert found.blink_rate_per_min == pytest.approx(60 * 2 / (658 / 30))
    assert found.perclos == pytest.approx(12 / 658)
    # Between the two blinks that are left, the eyes were not seen all the time.
    assert np.isnan(found.inter_blink_interval_median_s)
    assert not analysis.traces.seen[210:270].any()
    assert analysis.traces.seen.sum() == FRAMES - 60
    assert found.duration_s == before.duration_s
    # The recording itself stays whole: the track can be saved.
    assert np.isfinite(analysis.track.landmarks).all()
    assert assess(analysis).quality.face_coverage == pytest.approx(658 / 719)


def test_an_unusable_recording_has_no_answer(track: Track) -> None:
    assessment = assess(correct(track, unusable=(Stretch(0.0, 100.0),)))
    assert [one.code for one in assessment.reasons] == ["no_face"]
    mostly = assess(correct(track, unusable=(Stretch(9.0, 100.0),)))
    assert mostly.status == "not_assessable"
    assert {"too_short", "face_lost"} <= {one.code for one in mostly.reasons}


def test_what_is_left_of_a_blink_beside_an_unusable_stretch(track: Track) -> None:
    # It begins with frame 63, the fourth of the blink.
    analysis = correct(track, unusable=(Stretch(2.1, 5.0),))
    closures = analysis.events.closures
    assert analysis.measures.blink_count == 3
    assert closures.interval[0].tolist() == [60, 63]
    assert (closures.onset_seen[0], closures.offset_seen[0]) == (True, False)
    assert closures.offset_s[0] == pytest.approx(62 / 30)

    analysis = correct(track, unusable=(Stretch(0.0, 2.1),))
    closures = analysis.events.closures
    assert closures.interval[0].tolist() == [63, 66]
    assert (closures.onset_seen[0], closures.offset_seen[0]) == (False, True)
    assert closures.onset_s[0] == pytest.approx(63 / 30)


@pytest.mark.parametrize(
    ("first", "second", "left"), [(0.12, 0.06, [78, 90]), (0.06, 0.12, [60, 72])]
)
def test_of_a_closure_with_an_unusable_middle_the_deeper_part_is_left(
    first: float, second: float, left: list[int]
) -> None:
    ear = np.full(FRAMES, 0.3)
    ear[60:75], ear[75:90] = first, second
    track = make_track(make_landmarks(ear, 0.0), FPS)
    closure = TimedEvent(2.0, 3.0, "prolonged_closure")
    closures = correct(track, (closure,), unusable=(Stretch(2.4, 2.6),)).events.closures
    assert closures.interval.tolist() == [left]


def test_lids_that_were_taken_for_a_glance_down_count_as_closed_if_a_person_says_so() -> None:
    """Lids that go down to 0.65 for 0.7 s, which is too long for a blink of that depth."""
    ear = np.full(FRAMES, 0.3)
    ear[300:321] = 0.3 * 0.65
    track = make_track(make_landmarks(ear, 0.0), FPS)
    before = analyze_track(track, Parameters())
    assert before.events.glance[300:321].all()
    assert before.measures.perclos == 0
    after = correct(track, (TimedEvent(10.0, 10.7, "prolonged_closure"),))
    assert not after.events.glance.any()
    # Without a complete closure, lids count as closed from 0.32 of the way down.
    assert after.measures.perclos == pytest.approx(21 / 719)
    assert after.measures.prolonged_closure_count == 1


def test_the_primary_position(track: Track, detected: Analysis) -> None:
    assert detected.measures.primary_position == pytest.approx(0.0, abs=0.003)
    found = correct(track, primary=Stretch(5.0, 6.0)).measures
    # The eyes look up by 0.08 there, and down by 0.07 later, with a jitter of 0.002.
    assert found.primary_position == pytest.approx(-0.08, abs=0.003)
    assert found.primary_position_source == "corrected"
    assert found.up_range == pytest.approx(0.0, abs=0.005)
    assert found.down_range == pytest.approx(0.15, abs=0.005)
    changed = {
        name
        for name, value in measures(detected).items()
        if repr(value) != repr(getattr(found, name))
    }
    assert changed == {
        "primary_position",
        "primary_position_source",
        *("up_range", "up_range_ci95", "down_range", "down_range_ci95"),
    }


def test_a_primary_position_that_is_not_seen(track: Track) -> None:
    found = correct(track, primary=Stretch(1.9, 2.3)).measures
    assert found.primary_position_source is None
    assert "set another one" in str(found.primary_position_reason)


def test_the_verdict_follows_the_primary_position() -> None:
    """The person looks up in what was taken for straight ahead, and hardly down: 0.01."""
    times_s = np.arange(FRAMES) / FPS
    vertical = np.where(times_s < 6, -0.06, np.where(times_s < 12, 0.0, 0.01))
    vertical = vertical + 0.002 * np.sin(np.arange(FRAMES))
    track = make_track(make_landmarks(np.full(FRAMES, 0.3), vertical), FPS)
    protocol = (Phase("fixate", 0, 3), Phase("up", 3, 6), Phase("down", 12, 24))
    parameters = Parameters(protocol=protocol)
    assert assess(analyze_track(track, parameters)).status == "not_suspected"
    said = Corrections("AB", "", "", (), primary=Stretch(6.5, 11.5))
    corrected = assess(analyze_track(track, parameters, said))
    assert corrected.basis.name == "down_range"
    assert corrected.basis.value == pytest.approx(0.01, abs=0.004)
    assert corrected.status == "suspected"


def test_a_long_closure_that_is_none_was_lowered_lids() -> None:
    ear = np.full(FRAMES, 0.3)
    ear[300:390] = 0.05
    track = make_track(make_landmarks(ear, np.where(ear < 0.1, -0.03, 0.0)), FPS)
    before = analyze_track(track, Parameters()).measures
    assert before.prolonged_closure_count == 1
    assert before.lids_lowered_s == 0
    after = correct(track, ()).measures
    assert after.prolonged_closure_count == 0
    assert after.perclos == 0 < before.perclos
    # Where the lid covers the iris, how far down the eyes look is only a lower bound.
    assert after.lids_lowered_s == pytest.approx(90 / 30, abs=0.1)
    assert after.down_range_is_lower_bound


def test_the_analysis_keeps_both_versions(track: Track, detected: Analysis) -> None:
    corrected = correct(track, BLINKS[1:])
    assert corrected.detected is not None
    assert corrected.corrections is not None
    assert len(corrected.detected.closures.kind) == 3
    assert len(corrected.events.closures.kind) == 2
    assert detected.detected is None
    assert detected.corrections is None


TIMES = st.floats(0, 24.0, allow_nan=False)


@st.composite
def said_events(draw: st.DrawFn) -> tuple[TimedEvent, ...]:
    ends = sorted(draw(st.lists(TIMES, max_size=12)))
    kinds = st.sampled_from(["blink", "prolonged_closure", "flutter", "wink_left", "wink_right"])
    pairs = zip(ends[::2], ends[1::2], strict=False)
    return tuple(TimedEvent(onset_s, offset_s, draw(kinds)) for onset_s, offset_s in pairs)


STRETCHES = st.tuples(TIMES, TIMES).filter(lambda two: two[0] != two[1]).map(sorted)


AT_ONCE = (TimedEvent(0.0, 0.0, "blink"),) * 6
"""Enough blinks for each measure of the lids, without time from one to the next, and open lids."""


@settings(max_examples=40, deadline=None)
@example(AT_ONCE, [], None)
@example((*AT_ONCE[1:], TimedEvent(1.0, 1.0, "blink")), [], None)
@given(
    said_events(),
    st.lists(STRETCHES, max_size=3),
    st.none() | STRETCHES,
)
def test_whatever_is_said_can_be_measured(
    events: tuple[TimedEvent, ...], unusable: list[list[float]], primary: list[float] | None
) -> None:
    track = make_track(looking(), FPS)
    analysis = correct(
        track,
        events,
        unusable=tuple(Stretch(*one) for one in unusable),
        primary=primary and Stretch(*primary),
    )
    closures, seen = analysis.events.closures, analysis.traces.seen
    kinds = [one.kind for one in events]
    assert analysis.measures.blink_count <= kinds.count("blink")
    if not unusable:
        assert analysis.measures.blink_count == kinds.count("blink")
        assert analysis.measures.wink_count == sum(kind.startswith("wink") for kind in kinds)
    for start, stop in (*closures.interval, *analysis.events.winks):
        assert start < stop
        assert seen[start:stop].all()
    assert (closures.onset_s <= closures.offset_s).all()
    assert not (analysis.events.eyes_open & ~seen).any()
    assess(analysis)
