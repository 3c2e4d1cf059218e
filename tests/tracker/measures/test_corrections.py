"""What differs between detected events and those of a person, counted by hand."""

import numpy as np
import pytest

from kernels import LEFT, RIGHT
from tracker.measures.corrections import (
    Corrections,
    Stretch,
    TimedEvent,
    count_corrections,
    find_changes,
    match_events,
    time_wink,
)

A, B, C = (TimedEvent(at_s, at_s + 0.25, "blink") for at_s in (2.0, 5.0, 9.0))


def test_a_wink_ends_at_the_next_sample_that_is_near_or_at_its_last_one() -> None:
    times_s = np.array([0.0, 0.1, 0.2, 0.3, 10.0, 10.1])
    assert time_wink(0, 3, LEFT, times_s) == TimedEvent(0.0, 0.3, "wink_left")
    assert time_wink(1, 4, RIGHT, times_s) == TimedEvent(0.1, 0.3, "wink_right")
    assert time_wink(4, 6, LEFT, times_s) == TimedEvent(10.0, 10.1, "wink_left")


def test_the_same_event_is_found_once() -> None:
    nearly = TimedEvent(A.onset_s + 0.0005, A.offset_s - 0.0005, "blink")
    assert match_events([A, B], [nearly, nearly, B]) == [0, None, 1]
    assert match_events([A], [TimedEvent(2.002, 2.25, "blink")]) == [None]
    assert match_events([A], [TimedEvent(2.0, 2.25, "flutter")]) == [None]


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ([A, B, C], []),
        ([A, C], [([B], [])]),
        ([A, B, TimedEvent(7.0, 7.2, "blink"), C], [([], [TimedEvent(7.0, 7.2, "blink")])]),
        # Moved within its own time, it is the same event; further away, one is gone and one new.
        ([TimedEvent(2.1, 2.4, "blink"), B, C], [([A], [TimedEvent(2.1, 2.4, "blink")])]),
        (
            [B, TimedEvent(7.0, 7.2, "blink"), C],
            [([A], []), ([], [TimedEvent(7.0, 7.2, "blink")])],
        ),
        (
            [TimedEvent(2.0, 2.1, "blink"), TimedEvent(2.1, 2.25, "blink"), B, C],
            [([A], [TimedEvent(2.0, 2.1, "blink"), TimedEvent(2.1, 2.25, "blink")])],
        ),
        ([TimedEvent(2.0, 5.25, "blink"), C], [([A, B], [TimedEvent(2.0, 5.25, "blink")])]),
        (
            [A, B, TimedEvent(9.0, 9.25, "prolonged_closure")],
            [([C], [TimedEvent(9.0, 9.25, "prolonged_closure")])],
        ),
        ([], [([A], []), ([B], []), ([C], [])]),
    ],
    ids=["kept", "removed", "added", "moved", "moved far", "split", "merged", "kind", "all gone"],
)
def test_changes(
    said: list[TimedEvent], changes: list[tuple[list[TimedEvent], list[TimedEvent]]]
) -> None:
    found = find_changes([A, B, C], said)
    assert [(one.before, one.after) for one in found] == changes
    corrections = Corrections("AB", "", "", tuple(said))
    assert count_corrections([A, B, C], corrections) == len(changes)


def test_neighbours_that_touch_are_two_changes() -> None:
    other = TimedEvent(A.offset_s, A.offset_s + 0.2, "blink")
    assert len(find_changes([A, other], [])) == 2


def test_all_that_a_long_event_overlaps_is_one_change() -> None:
    long = TimedEvent(2.0, 5.0, "prolonged_closure")
    blinks = [TimedEvent(2.5, 2.7, "blink"), TimedEvent(4.0, 4.2, "blink")]
    (change,) = find_changes([long], blinks)
    assert (change.before, change.after) == ([long], blinks)


def test_stretches_and_the_primary_position_count_too() -> None:
    said = Corrections("AB", "", "", (A,), (Stretch(1, 2), Stretch(4, 5)), Stretch(0, 1))
    assert count_corrections([A], said) == 3


def test_a_stretch_ends_before_its_end() -> None:
    times_s = np.arange(10) / 10
    assert np.flatnonzero(Stretch(0.2, 0.5).mark(times_s)).tolist() == [2, 3, 4]
    said = Corrections("AB", "", "", (), (Stretch(0.7, 0.8), Stretch(0.1, 0.3)))
    assert np.flatnonzero(said.mark_unusable(times_s)).tolist() == [1, 2, 7]


def test_a_stretch_that_reaches_the_last_frame_holds_it() -> None:
    times_s = np.arange(10) / 10
    for end_s in (0.8999, 0.9, 0.95, 7.0):
        assert np.flatnonzero(Stretch(0.7, end_s).mark(times_s)).tolist() == [7, 8, 9]
    assert not Stretch(0.7, 0.9).mark(times_s[:0]).any()


def test_times_that_a_file_has_rounded_move_no_sample() -> None:
    times_s = np.arange(10) / 30
    start_s, end_s = round(2 / 30, 4), round(8 / 30, 4)
    assert start_s > times_s[2]
    assert end_s > times_s[8]
    assert np.flatnonzero(Stretch(start_s, end_s).mark(times_s)).tolist() == [2, 3, 4, 5, 6, 7]
