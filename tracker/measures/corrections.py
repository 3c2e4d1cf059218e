"""Corrections: what a person says that the eyes did. It replaces what was detected."""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kernels.opening import MAX_GAP_S
from tracker.measures.lids import KIND_NAMES, WINK_NAMES, Events

SAME_S = 0.001
"""Times that differ by less are the same: files give them to a tenth of that."""
_ROUNDING_S = SAME_S / 10
EVENT_KINDS = (*KIND_NAMES.values(), *WINK_NAMES.values())

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, order=True)
class TimedEvent:
    """A closure or a wink, by its times in seconds from the first frame.

    Events are sorted by onset, then by offset, then by kind.

    Attributes
    ----------
    onset_s, offset_s : float
        When it begins, and when it has ended.
    kind : {"blink", "prolonged_closure", "flutter", "wink_left", "wink_right"}
        What it is. "left" is the subject's left eye.
    """

    onset_s: float
    offset_s: float
    kind: str

    def is_same(self, other: "TimedEvent") -> bool:
        """Return whether both are one event: one kind, and both times within `SAME_S` seconds.

        Files round times, so equal events that were written and read again differ a little.
        """
        return (
            self.kind == other.kind
            and abs(self.onset_s - other.onset_s) <= SAME_S
            and abs(self.offset_s - other.offset_s) <= SAME_S
        )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of time in a recording that a person chose, [start_s, end_s).

    Both are in seconds from the first frame. If `end_s` is the last frame's time or later, the last
    frame belongs to it, too: nobody can choose a later end.
    """

    start_s: float
    end_s: float

    def mark(self, times_s: Float64Array) -> NDArray[np.bool_]:
        """Return which of the frames lie in this span of time, bool (N,).

        times_s (N,) are their times.
        """
        marked = np.zeros(times_s.size, dtype=np.bool_)
        # Files round times, which must not move a sample out of an event's own stretch.
        ends_s = (self.start_s - _ROUNDING_S, self.end_s - _ROUNDING_S)
        first, stop = np.searchsorted(times_s, ends_s).tolist()
        if times_s.size and self.end_s >= times_s[-1] - SAME_S:
            stop = times_s.size
        marked[first:stop] = True
        return marked


@dataclass(frozen=True, slots=True)
class Corrections:
    """What a person who looked at a recording says that the eyes did.

    Attributes
    ----------
    by, at, why : str
        Initials of the person; when they made the corrections (UTC, ISO 8601); and the reason,
        which may be empty.
    events : tuple of TimedEvent
        All closures and winks of the recording, in order of onset, also those that were detected
        and are right. They replace all detected ones.
    unusable : tuple of Stretch
        Times to be treated as if no face was seen.
    primary : Stretch or None
        Time in which the eyes look straight ahead, from which up and down are measured (the primary
        position); None keeps the one that the analysis takes.
    video_sha256, track_sha256 : str
        SHA-256 of the video and of the track that the corrections belong to, as hex; one of them
        may be empty. See `tracker.files.corrections`.
    """

    by: str
    at: str
    why: str
    events: tuple[TimedEvent, ...]
    unusable: tuple[Stretch, ...] = ()
    primary: Stretch | None = None
    video_sha256: str = ""
    track_sha256: str = ""

    def mark_unusable(self, times_s: Float64Array) -> NDArray[np.bool_]:
        """Return which of the frames the person calls unusable, bool (N,).

        times_s (N,) are their times.
        """
        marked = np.zeros(times_s.size, dtype=np.bool_)
        for stretch in self.unusable:
            marked |= stretch.mark(times_s)
        return marked


@dataclass(slots=True)
class Change:
    """One correction: the detected events `before`, and the person's events `after` in their place.

    If `after` is empty, the person removed events; if `before` is empty, the person added them.
    Both lists are in order of onset.
    """

    before: list[TimedEvent] = field(default_factory=list)
    after: list[TimedEvent] = field(default_factory=list)


def list_events(events: Events, times_s: Float64Array) -> list[TimedEvent]:
    """Return all closures and winks together by their times, in order of onset.

    times_s (N,) are the times of the frames in which the events were found.
    """
    closures = events.closures
    times = np.column_stack((closures.onset_s, closures.offset_s)).tolist()
    found = [
        TimedEvent(onset_s, offset_s, KIND_NAMES[kind])
        for (onset_s, offset_s), kind in zip(times, closures.kind.tolist(), strict=True)
    ]
    found += [
        time_wink(start, stop, eye, times_s)
        for (start, stop), eye in zip(events.winks.tolist(), events.wink_eye.tolist(), strict=True)
    ]
    return sorted(found)


def time_wink(start: int, stop: int, eye: int, times_s: Float64Array) -> TimedEvent:
    """Return a wink of the samples [start, stop) by its times: those of `start` and of `stop`.

    If the recording ends with the wink, or samples are missing after it for more than `MAX_GAP_S`,
    it ends at its last sample. eye is `kernels.LEFT` or `kernels.RIGHT`, the closed one. times_s
    (N,) are the times of the samples.
    """
    is_cut = stop == times_s.size or times_s[stop] - times_s[stop - 1] > MAX_GAP_S
    end = stop - 1 if is_cut else stop
    return TimedEvent(float(times_s[start]), float(times_s[end]), WINK_NAMES[eye])


def match_events(detected: Sequence[TimedEvent], said: Sequence[TimedEvent]) -> list[int | None]:
    """Return for each event of `said` the index of the same one in `detected`, or None.

    `said` are the events as a person entered them. Both are in order of onset. Events are the same
    if `TimedEvent.is_same` says so. No detected event is taken twice: of two that are the same as
    an event, the first one that is free is taken.
    """
    onsets_s = [one.onset_s for one in detected]
    taken: set[int] = set()
    matched: list[int | None] = []
    for event in said:
        first = bisect.bisect_left(onsets_s, event.onset_s - SAME_S)
        stop = bisect.bisect_right(onsets_s, event.onset_s + SAME_S)
        found = (n for n in range(first, stop) if n not in taken and event.is_same(detected[n]))
        match = next(found, None)
        matched.append(match)
        if match is not None:
            taken.add(match)
    return matched


def find_changes(detected: Sequence[TimedEvent], said: Sequence[TimedEvent]) -> list[Change]:
    """Return what a person changed: events that were removed, added, moved, split or merged.

    Parameters
    ----------
    detected, said : sequence of TimedEvent
        The events as they were detected, and as the person entered them; both in order of onset.

    Returns
    -------
    list of Change
        In order of time; empty if nothing was changed. Events that are the same in both are in no
        change. Others belong to one change if they overlap in time, directly or through others: a
        closure that was split into two is one change, with one event before and two after.
    """
    matched = match_events(detected, said)
    kept = {index for index in matched if index is not None}
    different: Iterable[tuple[TimedEvent, bool]] = [
        *((event, False) for n, event in enumerate(detected) if n not in kept),
        *((event, True) for event, match in zip(said, matched, strict=True) if match is None),
    ]
    changes: list[Change] = []
    end_s = -1.0
    for event, is_new in sorted(different, key=lambda one: one[0]):
        if not changes or event.onset_s > end_s - SAME_S:
            changes.append(Change())
            end_s = event.offset_s
        (changes[-1].after if is_new else changes[-1].before).append(event)
        end_s = max(end_s, event.offset_s)
    return changes


def count_corrections(detected: Sequence[TimedEvent], corrections: Corrections) -> int:
    """Return how many corrections a person made to the detected events; 0 if none.

    Each counts as one: each change of events (`find_changes`), each span of time called unusable,
    and the time set for the primary position. detected are the events in order of onset.
    """
    changes = find_changes(detected, corrections.events)
    return len(changes) + len(corrections.unusable) + (corrections.primary is not None)
