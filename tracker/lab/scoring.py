"""Compare detected with annotated closures: matches, mistakes, scores, timing errors."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kernels import BLINK, PROLONGED_CLOSURE
from tracker.lab.annotations import AnnotatedClip, AnnotationError, Closure
from tracker.measures.analysis import Analysis
from tracker.parameters import NOMINAL_FPS
from tracker.tracks.track import Track

Float64Array = NDArray[np.float64]

SPARE_FRAMES = 2
"""An annotation may name this many frames beyond the video's last one.

One is for annotations that count from 1, the other because the decoder may not yield the last
frame.
"""


@dataclass(frozen=True, slots=True)
class Match:
    """Closures of one kind, by whether they were annotated, detected, or both.

    Attributes
    ----------
    hits : tuple of (Closure, Closure)
        Pairs of a detected and an annotated closure.
    false, missed : tuple of Closure
        Closures that were only detected, and closures that were only annotated.
    """

    hits: tuple[tuple[Closure, Closure], ...]
    false: tuple[Closure, ...]
    missed: tuple[Closure, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A closure that was missed, or one that was detected but does not exist.

    Attributes
    ----------
    kind : str
        ``missed_blink``, ``false_blink``, ``missed_prolonged_closure`` or
        ``false_prolonged_closure``.
    closure : Closure
        The annotated closure if it was missed, the detected one if it is false.
    """

    kind: str
    closure: Closure


@dataclass(frozen=True, slots=True)
class ClipScore:
    """How an analysis compares with the annotation of its recording.

    Attributes
    ----------
    clip : AnnotatedClip
    blinks, prolonged : Match
        Blinks, and prolonged closures against annotated long closures.
    onset_errors_s, offset_errors_s : ndarray, float64
        Detected minus annotated times of the matched blinks whose ends were seen.
    complete : bool
        False if `max_frames` ended the track before the end of the video. Only the tracked part is
        scored then.
    """

    clip: AnnotatedClip
    blinks: Match
    prolonged: Match
    onset_errors_s: Float64Array
    offset_errors_s: Float64Array
    complete: bool

    @property
    def count_error(self) -> int:
        """Number of detected minus number of annotated blinks."""
        return len(self.blinks.false) - len(self.blinks.missed)

    @property
    def mistakes(self) -> list[Mistake]:
        """All missed and false closures, in order of time."""
        found = [
            Mistake(f"{outcome}_{kind}", closure)
            for kind, match in (("blink", self.blinks), ("prolonged_closure", self.prolonged))
            for outcome, closures in (("missed", match.missed), ("false", match.false))
            for closure in closures
        ]
        return sorted(found, key=lambda mistake: mistake.closure.start)


def match_closures(detected: Sequence[Closure], annotated: Sequence[Closure]) -> Match:
    """Match as many overlapping closures as possible, each at most once.

    Parameters
    ----------
    detected : sequence of Closure
        In order, without overlaps between them.
    annotated : sequence of Closure

    Returns
    -------
    Match

    Notes
    -----
    Each annotated closure overlaps a run of successive detected ones, so Glover's rule [1]_ gives a
    maximum matching. Each detected closure in turn takes the free annotated closure whose run ends
    first; if there are several, the one that it overlaps most.

    References
    ----------
    .. [1] F. Glover, Maximum matching in a convex bipartite graph, Naval Research Logistics
       Quarterly 14 (3), 1967, 313-316.
    """

    def last_overlapping(true: Closure) -> int:
        return max(n for n, one in enumerate(detected) if true.overlap(one.start, one.stop) > 0)

    free = list(annotated)
    hits, false = [], []
    for found in detected:
        candidates = [true for true in free if true.overlap(found.start, found.stop) > 0]
        if not candidates:
            false.append(found)
            continue
        best = min(
            candidates,
            key=lambda true: (last_overlapping(true), -true.overlap(found.start, found.stop)),
        )
        free.remove(best)
        hits.append((found, best))
    return Match(tuple(hits), tuple(false), tuple(free))


def score_clip(clip: AnnotatedClip, analysis: Analysis) -> ClipScore:
    """Compare an analysis with the annotation.

    Blinks are matched with blinks, and prolonged closures with long closures. A closure of the
    wrong kind therefore counts as missed and as false. Closures outside the annotated range, or
    after the end of an incomplete track, are ignored.

    Parameters
    ----------
    clip : AnnotatedClip
    analysis : Analysis

    Returns
    -------
    ClipScore

    Raises
    ------
    AnnotationError
        The annotation names frames that the video does not have.
    """
    track = analysis.track
    _check_frame_numbers(clip, track)
    stop = int(track.frame_index[-1]) + track.info.step
    start, stop = (0, stop) if clip.scored is None else (clip.scored[0], min(clip.scored[1], stop))

    def within(closures: Iterable[Closure]) -> list[Closure]:
        return [closure for closure in closures if closure.overlap(start, stop) > 0]

    def annotated(closures: Iterable[Closure]) -> list[Closure]:
        # A closure at the edge of the range may have begun before it, or may end after it.
        return [
            replace(true, onset_seen=true.start > start, offset_seen=true.stop < stop)
            for true in within(closures)
        ]

    detected = detected_closures(analysis)
    blinks = match_closures(within(detected[BLINK]), annotated(clip.blinks))
    onsets = [(a.start, b.start) for a, b in blinks.hits if a.onset_seen and b.onset_seen]
    offsets = [(a.stop, b.stop) for a, b in blinks.hits if a.offset_seen and b.offset_seen]
    return ClipScore(
        clip=clip,
        blinks=blinks,
        prolonged=match_closures(
            within(detected[PROLONGED_CLOSURE]), annotated(clip.long_closures)
        ),
        onset_errors_s=_time_errors_s(track, onsets),
        offset_errors_s=_time_errors_s(track, offsets),
        complete=track.info.complete,
    )


def detected_closures(analysis: Analysis) -> dict[int, list[Closure]]:
    """Return the closures of each kind in source frames, as in the output ``blinks.csv``."""
    closures, frames = analysis.events.closures, analysis.track.frame_index
    by_kind: dict[int, list[Closure]] = {BLINK: [], PROLONGED_CLOSURE: []}
    for (start, stop), kind, onset_seen, offset_seen in zip(
        closures.interval, closures.kind, closures.onset_seen, closures.offset_seen, strict=True
    ):
        end = frames[stop] if offset_seen else frames[stop - 1] + 1
        by_kind[int(kind)].append(
            Closure(int(frames[start]), int(end), bool(onset_seen), bool(offset_seen))
        )
    return by_kind


def frame_times_s(track: Track, frames: Sequence[int]) -> Float64Array:
    """Return the times of source frames, shape (M,), interpolated between tracked frames."""
    times_s, index = track.times_s, track.frame_index
    interval_s = float(np.median(np.diff(times_s))) if times_s.size > 1 else 1 / NOMINAL_FPS
    known = np.append(index, index[-1] + track.info.step)
    return np.asarray(np.interp(frames, known, np.append(times_s, times_s[-1] + interval_s)))


@dataclass(frozen=True, slots=True)
class TimingErrors:
    """Detected minus annotated times, in milliseconds; NaN without a matched blink."""

    median_abs: float
    p90_abs: float
    median: float
    count: int


@dataclass(frozen=True, slots=True)
class ClosureCounts:
    """Prolonged closures by whether they were detected, annotated, or both."""

    found: int
    missed: int
    false: int


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The score of one or several recordings.

    A share is NaN where it has nothing to divide by. The fields are those of the JSON.
    """

    clips: int
    true_positives: int
    false_positives: int
    false_negatives: int
    precision: float
    recall: float
    f1: float
    count_error: int
    count_error_mean_abs: float
    count_error_zero_share: float
    onset_error_ms: TimingErrors
    offset_error_ms: TimingErrors
    prolonged_closures: ClosureCounts


def summarize_scores(scores: Sequence[ClipScore]) -> ScoreSummary:
    """Compute the score of one or several recordings.

    Parameters
    ----------
    scores : sequence of ClipScore

    Returns
    -------
    ScoreSummary
    """
    hits = sum(len(score.blinks.hits) for score in scores)
    false = sum(len(score.blinks.false) for score in scores)
    missed = sum(len(score.blinks.missed) for score in scores)
    count_errors = [score.count_error for score in scores]
    return ScoreSummary(
        clips=len(scores),
        true_positives=hits,
        false_positives=false,
        false_negatives=missed,
        precision=_share(hits, hits + false),
        recall=_share(hits, hits + missed),
        f1=_share(2 * hits, 2 * hits + false + missed),
        count_error=sum(count_errors),
        count_error_mean_abs=_share(sum(map(abs, count_errors)), len(scores)),
        count_error_zero_share=_share(count_errors.count(0), len(scores)),
        onset_error_ms=_summarize_errors(score.onset_errors_s for score in scores),
        offset_error_ms=_summarize_errors(score.offset_errors_s for score in scores),
        prolonged_closures=ClosureCounts(
            found=sum(len(score.prolonged.hits) for score in scores),
            missed=sum(len(score.prolonged.missed) for score in scores),
            false=sum(len(score.prolonged.false) for score in scores),
        ),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _summarize_errors(errors_s: Iterable[Float64Array]) -> TimingErrors:
    errors_ms = 1000 * np.concatenate([np.empty(0), *errors_s])
    if not errors_ms.size:
        return TimingErrors(math.nan, math.nan, math.nan, 0)
    absolute = np.abs(errors_ms)
    return TimingErrors(
        median_abs=float(np.median(absolute)),
        p90_abs=float(np.percentile(absolute, 90)),
        median=float(np.median(errors_ms)),
        count=errors_ms.size,
    )


def _time_errors_s(track: Track, pairs: Sequence[tuple[int, int]]) -> Float64Array:
    detected, annotated = (
        frame_times_s(track, [frame for pair in pairs for frame in pair]).reshape(-1, 2).T
    )
    return np.asarray(detected - annotated)


def _check_frame_numbers(clip: AnnotatedClip, track: Track) -> None:
    """Refuse an annotation that counts frames differently from the decoder.

    When a camera drops a frame, it writes an empty packet into the AVI file. Annotations such as
    those of the ZJU set count that frame, and the decoder skips it. The frame times reveal it.
    """
    info = track.info
    counted = info.frames_decoded + info.frames_failed if info.complete else None
    ends = [closure.stop for closure in (*clip.blinks, *clip.long_closures)]
    named = max([*ends, clip.scored[1] if clip.scored else 0])
    dropped = 0
    if clip.video.suffix.lower() == ".avi":
        dropped = round(track.times_s[-1] * info.video.fps) - int(track.frame_index[-1])
    if counted is not None and named > counted + SPARE_FRAMES:
        problem = f"names frame {named - 1}, but {clip.name} has only the frames 0 to {counted - 1}"
    elif dropped > SPARE_FRAMES:
        problem = f"its frame numbers do not fit {clip.name}, which lacks {dropped} of its frames"
    else:
        return
    raise AnnotationError(
        f"{clip.annotation}: {problem}. Check that they belong together. If the camera dropped "
        "frames, fill them: ffmpeg -i IN.avi -fps_mode cfr OUT.mp4"
    )
