"""Compare detected lid closures with annotated ones: matches, mistakes, scores, timing errors."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kernels import BLINK, FLUTTER, PROLONGED_CLOSURE
from tracker.lab.annotations import AnnotatedClip, AnnotationError, Closure
from tracker.measures.lids import Events
from tracker.parameters import NOMINAL_FPS
from tracker.tracks.track import Track

Float64Array = NDArray[np.float64]

SPARE_FRAMES = 2
"""An annotation may name this many frames beyond the video's last one.

One frame is for annotations that count from 1. The other one is for videos whose last frame cannot
be decoded.
"""


class Detection(Protocol):
    """What `score_clip` needs of an `Analysis`: a track, and the events detected in it."""

    @property
    def track(self) -> Track: ...

    @property
    def events(self) -> Events: ...


@dataclass(frozen=True, slots=True)
class Match:
    """Closures of one kind, by whether they were annotated, detected, or both.

    Attributes
    ----------
    hits : tuple of (Closure, Closure)
        Pairs of a closure as detected and the same closure as annotated, in this order.
    false, missed : tuple of Closure
        Closures that were only detected, and closures that were only annotated. A closure that was
        detected in an ambiguous one, and has no other match, is in none of the three.
    """

    hits: tuple[tuple[Closure, Closure], ...]
    false: tuple[Closure, ...]
    missed: tuple[Closure, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A closure that was missed, or one that was detected but not annotated as this kind.

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
    """How the detected closures of a recording compare with its annotation.

    Attributes
    ----------
    clip : AnnotatedClip
    blinks : Match
        Detected blinks against annotated blinks.
    prolonged : Match
        Detected prolonged closures against annotated long closures.
    onset_errors_s, offset_errors_s : ndarray, float64
        Detected minus annotated times at which the matched blinks begin and end, in seconds;
        positive if detected late. A blink whose beginning (or end) was not seen, in the recording
        or within the annotated range, has no value there, so the two may differ in size.
    duration_errors_s : ndarray, float64
        Detected minus annotated durations, in seconds, of the matched blinks of which both ends
        were seen. A detected blink lasts from its interpolated onset to its interpolated offset, an
        annotated one from its first frame to the first frame after it.
    complete : bool
        False if the track ends before the video, because of `max_frames` for instance. Closures
        after its end are then not scored.
    """

    clip: AnnotatedClip
    blinks: Match
    prolonged: Match
    onset_errors_s: Float64Array
    offset_errors_s: Float64Array
    duration_errors_s: Float64Array
    complete: bool

    @property
    def count_error(self) -> int:
        """Number of false blinks minus number of missed ones: positive if too many are detected.

        A blink detected in an ambiguous closure counts nowhere.
        """
        return len(self.blinks.false) - len(self.blinks.missed)

    @property
    def mistakes(self) -> list[Mistake]:
        """All missed and false blinks and prolonged closures, in order of their first frames."""
        found = [
            Mistake(f"{outcome}_{kind}", closure)
            for kind, match in (("blink", self.blinks), ("prolonged_closure", self.prolonged))
            for outcome, closures in (("missed", match.missed), ("false", match.false))
            for closure in closures
        ]
        return sorted(found, key=lambda mistake: mistake.closure.start)


def match_closures(
    detected: Sequence[Closure],
    annotated: Sequence[Closure],
    ambiguous: Sequence[Closure] = (),
) -> Match:
    """Match detected closures with annotated ones that contain their peak frames.

    Each closure is in one pair at most, and there are as many pairs as possible.

    Parameters
    ----------
    detected : sequence of Closure
        In order of their peaks. One without a `peak` raises ValueError.
    annotated : sequence of Closure
    ambiguous : sequence of Closure, optional
        A detected closure that has no match but whose peak lies in one of these is not called
        false.

    Returns
    -------
    Match
        `hits` and `false` are in the order of `detected`, `missed` in that of `annotated`.

    Notes
    -----
    The detected closures are matched in order of their peaks. If several unmatched annotated
    closures contain a peak, the one that ends first is taken, because the others may contain later
    peaks. This gives the largest possible number of pairs.
    """
    free = list(annotated)
    hits, false = [], []
    for found in detected:
        holding = [true for true in free if _holds(true, found)]
        if holding:
            best = min(holding, key=lambda true: true.stop)
            free.remove(best)
            hits.append((found, best))
        elif not any(_holds(doubt, found) for doubt in ambiguous):
            false.append(found)
    return Match(tuple(hits), tuple(false), tuple(free))


def _holds(annotated: Closure, detected: Closure) -> bool:
    """Return whether the annotated closure contains the peak frame of the detected one.

    Raises ValueError if `detected` is an annotated closure, which has no peak.
    """
    if detected.peak is None:
        raise ValueError(f"{detected} has no peak: it is not detected")
    return annotated.start <= detected.peak < annotated.stop


def score_clip(clip: AnnotatedClip, analysis: Detection) -> ClipScore:
    """Compare the closures that were detected in a recording with its annotation.

    Blinks are matched with blinks, and prolonged closures with long closures. A closure that is
    detected as the wrong kind of these two therefore counts twice: as missed and as false. Detected
    flutters are ignored, and so are closures outside the annotated range or after the end of the
    track. A detected closure is outside if its peak is, an annotated one if all its frames are.

    Parameters
    ----------
    clip : AnnotatedClip
    analysis : Detection

    Returns
    -------
    ClipScore

    Raises
    ------
    AnnotationError
        The annotation names frames that the video does not have, or counts frames of an AVI file
        that the camera dropped.
    """
    track = analysis.track
    _check_frame_numbers(clip, track)
    stop = int(track.frame_index[-1]) + track.info.step
    start, stop = (0, stop) if clip.scored is None else (clip.scored[0], min(clip.scored[1], stop))

    scored = Closure(start, stop)

    def within(closures: Iterable[Closure]) -> list[Closure]:
        return [closure for closure in closures if _holds(scored, closure)]

    def annotated(closures: Iterable[Closure]) -> list[Closure]:
        # A closure at the edge of the range may have begun before it, or may end after it.
        return [
            replace(true, onset_seen=true.start > start, offset_seen=true.stop < stop)
            for true in closures
            if true.overlap(start, stop) > 0
        ]

    detected = detected_closures(analysis)
    blinks = match_closures(within(detected[BLINK]), annotated(clip.blinks), clip.ambiguous)
    onset_errors_s, offset_errors_s, duration_errors_s = _time_errors_s(track, blinks)
    return ClipScore(
        clip=clip,
        blinks=blinks,
        prolonged=match_closures(
            within(detected[PROLONGED_CLOSURE]), annotated(clip.long_closures), clip.ambiguous
        ),
        onset_errors_s=onset_errors_s,
        offset_errors_s=offset_errors_s,
        duration_errors_s=duration_errors_s,
        complete=track.info.complete,
    )


def detected_closures(analysis: Detection) -> dict[int, list[Closure]]:
    """Return the detected closures by kind: `BLINK`, `PROLONGED_CLOSURE` or `FLUTTER`.

    Each kind has a list in order of time, which may be empty. Frames are numbered as in the source
    video, like those in the output ``blinks.csv``.
    """
    closures, frames = analysis.events.closures, analysis.track.frame_index
    by_kind: dict[int, list[Closure]] = {BLINK: [], PROLONGED_CLOSURE: [], FLUTTER: []}
    for m, kind in enumerate(closures.kind):
        start, stop = closures.interval[m]
        onset_seen, offset_seen = bool(closures.onset_seen[m]), bool(closures.offset_seen[m])
        end = frames[stop] if offset_seen else frames[stop - 1] + 1
        by_kind[int(kind)].append(
            Closure(
                start=int(frames[start]),
                stop=int(end),
                onset_seen=onset_seen,
                offset_seen=offset_seen,
                peak=int(frames[closures.peak[m]]),
                onset_s=float(closures.onset_s[m]) if onset_seen else math.nan,
                offset_s=float(closures.offset_s[m]) if offset_seen else math.nan,
            )
        )
    return by_kind


def frame_times_s(track: Track, frames: Sequence[int]) -> Float64Array:
    """Return the times (M,), in seconds as in `track.times_s`, of these frames of the video.

    `frames` are M frame numbers, counted from 0. A frame that was not tracked gets a time between
    those of the tracked frames around it. A frame before the first tracked one gets that one's
    time. A frame after the last tracked one gets at most the time at which that one ends.
    """
    times_s, index = track.times_s, track.frame_index
    interval_s = float(np.median(np.diff(times_s))) if times_s.size > 1 else 1 / NOMINAL_FPS
    known = np.append(index, index[-1] + track.info.step)
    return np.asarray(np.interp(frames, known, np.append(times_s, times_s[-1] + interval_s)))


@dataclass(frozen=True, slots=True)
class TimingErrors:
    """Summary of `count` errors: detected minus annotated times or durations, in milliseconds.

    If `count` is 0, all other values are NaN.

    Attributes
    ----------
    median_abs, p90_abs : float
        Median and 90th percentile of the errors without their signs.
    median : float
        Median of the errors with their signs; positive if the detected times are late, or the
        detected durations too long.
    median_low, median_high : float
        95 % interval of `median`; NaN if there are too few errors for an interval.
    count : int
        Number of errors.
    """

    median_abs: float
    p90_abs: float
    median: float
    median_low: float
    median_high: float
    count: int


@dataclass(frozen=True, slots=True)
class ClosureCounts:
    """Numbers of prolonged closures.

    `found`: annotated and detected. `missed`: only annotated. `false`: only detected.
    """

    found: int
    missed: int
    false: int


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """The score of one or several recordings. The JSON output has the same fields.

    `true_positives` (annotated and detected), `false_positives` (only detected) and
    `false_negatives` (only annotated) count blinks. `precision`, `recall` and `f1`, 0 to 1, are NaN
    if they would divide by 0 blinks.

    Attributes
    ----------
    clips : int
        Number of recordings.
    count_error : int
        Number of false blinks minus number of missed ones, in all recordings.
    count_error_mean_abs : float
        Mean over the recordings of that difference in each recording, without its sign; NaN without
        a recording.
    count_error_zero_share : float
        Share of the recordings in which that difference is 0, 0 to 1; NaN without a recording.
    onset_error_ms, offset_error_ms, duration_error_ms : TimingErrors
        Errors of the beginning, the end and the duration of the matched blinks.
    prolonged_closures : ClosureCounts
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
    duration_error_ms: TimingErrors
    prolonged_closures: ClosureCounts


def summarize_scores(scores: Sequence[ClipScore]) -> ScoreSummary:
    """Compute the score of one or several recordings.

    The blinks of all recordings are taken together: a recording with many blinks weighs more.

    Parameters
    ----------
    scores : sequence of ClipScore

    Returns
    -------
    ScoreSummary
        Of an empty sequence, all counts are 0, and everything else is NaN.
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
        duration_error_ms=_summarize_errors(score.duration_errors_s for score in scores),
        prolonged_closures=ClosureCounts(
            found=sum(len(score.prolonged.hits) for score in scores),
            missed=sum(len(score.prolonged.missed) for score in scores),
            false=sum(len(score.prolonged.false) for score in scores),
        ),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _summarize_errors(errors_s: Iterable[Float64Array]) -> TimingErrors:
    errors_ms = np.sort(1000 * np.concatenate([np.empty(0), *errors_s]))
    if not errors_ms.size:
        nan = math.nan
        return TimingErrors(nan, nan, nan, nan, nan, 0)
    absolute = np.abs(errors_ms)
    rank = _median_rank(errors_ms.size)
    return TimingErrors(
        median_abs=float(np.median(absolute)),
        p90_abs=float(np.percentile(absolute, 90)),
        median=float(np.median(errors_ms)),
        median_low=math.nan if rank is None else float(errors_ms[rank]),
        median_high=math.nan if rank is None else float(errors_ms[-1 - rank]),
        count=errors_ms.size,
    )


def _median_rank(count: int) -> int | None:
    """Return which of `count` sorted values is the lower end of the median's 95 % interval.

    The index counts from 0; the upper end has the same index from the other end. None means that
    there are too few values for an interval. The interval holds for values of any distribution,
    because each value lies below the true median with probability 1/2, so that the number of values
    below it is binomial.
    """
    rank, below = None, 0.0
    for n in range(count // 2):
        below += math.comb(count, n) / 2**count
        if below > 0.025:
            break
        rank = n
    return rank


def _time_errors_s(track: Track, blinks: Match) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Return the errors of the matched blinks' onsets, offsets and durations, in seconds.

    An error is the detected minus the annotated value. An annotated blink begins with its first
    frame and ends with the first frame after it. Values that would need an unseen onset or offset,
    detected or annotated, are left out, so the three arrays may differ in size.
    """
    frames = [frame for _, true in blinks.hits for frame in (true.start, true.stop)]
    annotated_s = frame_times_s(track, frames).reshape(-1, 2)
    detected_s = np.array([(a.onset_s, a.offset_s) for a, _ in blinks.hits]).reshape(-1, 2)
    errors_s = detected_s - annotated_s
    errors_s[[not true.onset_seen for _, true in blinks.hits], 0] = math.nan
    errors_s[[not true.offset_seen for _, true in blinks.hits], 1] = math.nan
    onset_s, offset_s, duration_s = (*errors_s.T, errors_s[:, 1] - errors_s[:, 0])
    return (
        onset_s[np.isfinite(onset_s)],
        offset_s[np.isfinite(offset_s)],
        duration_s[np.isfinite(duration_s)],
    )


def _check_frame_numbers(clip: AnnotatedClip, track: Track) -> None:
    """Raise `AnnotationError` if the annotation seems to count other frames than the decoder.

    It then names a frame that the whole video does not have, or frames are missing in an AVI file.
    When a camera drops a frame, it writes an empty packet into such a file. Annotations such as
    those of the ZJU set count that frame, but the decoder skips it; the frame times show that. Up
    to `SPARE_FRAMES` frames too many, or missing, are allowed.
    """
    info = track.info
    counted = info.frames_decoded + info.frames_failed if info.complete else None
    ends = [one.stop for one in (*clip.blinks, *clip.long_closures, *clip.ambiguous)]
    named = max([*ends, clip.scored[1] if clip.scored else 0])
    dropped = 0
    # Corrections name times, not frames.
    if clip.video.suffix.lower() == ".avi" and clip.corrections is None:
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
