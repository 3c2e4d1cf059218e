"""One recording in several segments, which different workers track: plan, track, join.

A segment consists of blocks of frames, in each of which the faces are found anew: see
`tracker.face.blocks`. Before its first block come a few frames in which they are found, the run-in.
It is decoded from a keyframe before these: a frame that needs no earlier one to be decoded. What
was seen in a segment is kept in a `Part`. To join the parts, the faces are followed once more
through what the parts hold, without the video: see `tracker.face.looks`. The track is the same as
that of a single run, bit for bit.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from tracker.face.blocks import BLOCK_FRAMES, RUN_IN_FRAMES, BlockFollower
from tracker.face.follow import FaceFinder
from tracker.face.looks import RecallingFollower, RecordingFollower
from tracker.machine import count_processors
from tracker.tracks.parts import Part, Segment
from tracker.tracks.track import Frames, Track, make_track, raise_step
from tracker.video.division import Layout, can_start_at
from tracker.video.frames import Video
from tracker.video.libav import FFmpegError
from tracker.video.seeking import Packet

MAX_SKIPPED_FRAMES = 750
"""Most source frames that are only decoded, from a keyframe to the run-in: 25 s."""
MAX_SEGMENTS = 1000
"""Most segments of one recording."""


class PartsError(ValueError):
    """The parts that workers gave back do not make one recording.

    One is missing, or belongs to another recording or another division of it, or two parts of one
    segment differ.
    """


def plan_segments(
    source: Path | BufferedIOBase,
    count: int,
    step: int,
    max_frames: int,
    keep_step: bool = False,
) -> tuple[Segment, ...]:
    """Divide a recording into segments that take about equally long to track.

    The file is read, but not decoded. A cut needs a keyframe shortly before it.

    Parameters
    ----------
    source : Path or BufferedIOBase
        A file, or a seekable binary stream, which is read from its beginning.
    count : int
        Most segments; there are fewer if the recording is short or has few keyframes.
    step : int
        Track every `step`-th frame; 1, and no other, is raised until `max_frames` cover the video.
    max_frames : int
        Most frames to track in the whole recording; what comes after them is not tracked.
    keep_step : bool, default False
        Never raise a step of 1, so that what comes after `max_frames` frames is not tracked.

    Returns
    -------
    tuple of Segment
        In order. Only one, of the whole recording, if several might change the track.

    Raises
    ------
    InputError
        The file is missing, or is no video that can be read.
    ValueError
        `count` is not between 1 and `MAX_SEGMENTS`.
    """
    if not 1 <= count <= MAX_SEGMENTS:
        raise ValueError(f"count is {count}, expected 1-{MAX_SEGMENTS}")
    _rewind(source)
    with Video(source) as video:
        used_step = step if keep_step else raise_step(video.expected_frames, step, max_frames)
    whole = Segment(0, 1, _hash(step, used_step, max_frames), step, used_step, max_frames)
    if count == 1:
        return (whole,)
    _rewind(source)
    try:
        layout = Layout(source)
    except FFmpegError:
        return (whole,)
    if layout.frames <= max_frames:
        # A container may promise many more frames than it has. The step need not be raised then.
        whole = replace(whole, step=step)
    elif not keep_step and layout.frames > max_frames * whole.step:
        # Or it may promise fewer frames than it has.
        whole = replace(whole, step=raise_step(layout.frames, step, max_frames))
    stop = min(layout.frames, max_frames * whole.step)
    cuts = _choose_cuts(layout, count, whole.step, stop) if layout.is_divisible else []
    if not cuts or not can_start_at(source, [cut.keyframe for cut in cuts]):
        return (whole,)
    return _divide(whole, layout, cuts, stop)


def _divide(whole: Segment, layout: Layout, cuts: list["_Cut"], stop: int) -> tuple[Segment, ...]:
    """Return the segments into which these cuts divide the first `stop` source frames, in order.

    Segment 0 is what comes before the first cut, so there is one segment more than cuts. They take
    over both steps from `whole`, the segment of the whole recording. `layout` says where the
    recording's frames lie in the file.
    """
    stretches = [
        layout.stretch(cut.keyframe, cut.key_index, cut.first, after.first if after else stop)
        for cut, after in zip([_Cut(None, 0, 0), *cuts], [*cuts, None], strict=True)
    ]
    plan = _hash(layout.sha256, stretches, whole.asked_step, whole.step)
    return tuple(
        replace(
            whole,
            index=n,
            count=len(stretches),
            plan=plan,
            max_frames=-(-(stretch.stop - stretch.first) // whole.step),
            ends_early=stop < layout.frames,
            bits_per_frame=layout.bits_per_frame,
            stretch=stretch,
        )
        for n, stretch in enumerate(stretches)
    )


@dataclass(frozen=True, slots=True)
class _Cut:
    """Where a recording can be divided.

    Attributes
    ----------
    keyframe : Packet or None
        The keyframe to decode from, which lies before the cut; None for the beginning of the file.
    key_index : int
        Index of that keyframe among the source frames (all frames of the video, from 0); 0 for the
        beginning of the file.
    first : int
        Index of the first source frame after the cut. It begins a block of frames, in which the
        faces are found anew.
    """

    keyframe: Packet | None
    key_index: int
    first: int


def _choose_cuts(layout: Layout, count: int, step: int, stop: int) -> list[_Cut]:
    """Return where to divide the first `stop` source frames into about equally long segments.

    `layout` tells which frames are keyframes. For `count` segments there are at most `count` - 1
    cuts, in order; none if the recording cannot be divided. Every `step`-th frame is tracked.
    """
    keys = layout.find_keyframes()
    if not keys:
        # Some recordings mark no keyframes: their encoder refreshes the picture piece by piece.
        return []
    indices = np.array([index for index, _ in keys], np.int64)
    possible = []
    for first in range(BLOCK_FRAMES * step, stop, BLOCK_FRAMES * step):
        start = first - RUN_IN_FRAMES * step
        key_index, key = keys[max(0, int(np.searchsorted(indices, start, "right")) - 1)]
        if 0 < key_index <= start <= key_index + MAX_SKIPPED_FRAMES:
            possible.append(_Cut(key, key_index, first))
    if not possible:
        return []
    firsts = np.array([cut.first for cut in possible])
    wanted = np.arange(1, count) * stop / count
    chosen = {int(np.abs(firsts - one).argmin()) for one in wanted}
    return [possible[n] for n in sorted(chosen)]


def _hash(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def _rewind(source: Path | BufferedIOBase) -> None:
    if isinstance(source, BufferedIOBase):
        source.seek(0)


def track_segment(
    source: Path | BufferedIOBase,
    segment: Segment,
    finder: FaceFinder,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    decode_ahead: bool = True,
    keep_eyes: bool = False,
) -> Part:
    """Decode one segment of a recording and keep all that is seen of faces in it.

    Parameters
    ----------
    source : Path or BufferedIOBase
        The same recording that was given to `plan_segments`.
    segment : Segment
        Which frames to track, from `plan_segments`.
    finder : FaceFinder
        The models: a `tracker.face.mesh.FaceMesh`.
    on_progress : callable, optional
        Called after each frame with the frames tracked (0 in the run-in) and expected (0: unknown).
    decode_ahead, keep_eyes : bool
        Whether to decode on a second thread, and to keep pictures of the eyes for the report.

    Returns
    -------
    Part
        What `join_parts` needs of this segment.

    Raises
    ------
    InputError
        The file is missing or is no video, or none of the recording can be decoded.
    DivisionError
        The frames are not where the plan expects them, or none can be decoded: the recording is
        damaged or another one. Track it as one segment: ``plan_segments(source, 1, …)``.
    """
    _rewind(source)
    step, stretch = segment.step, segment.stretch
    first = 0 if stretch is None else stretch.first
    begin = first - RUN_IN_FRAMES * step if first else 0
    follower = RecordingFollower(finder, segment.max_frames, step, keep_eyes)
    blocks = BlockFollower(follower, finder, step, first // step)
    frames = Frames(segment.max_frames)
    with Video(source, stretch) as video:
        expected = -(-video.expected_frames // step) if stretch is None else segment.max_frames
        ahead = decode_ahead and count_processors() > 1
        for frame in video.frames(
            wants=lambda index: index % step == 0 and index >= begin, ahead=ahead
        ):
            if frames.count == segment.max_frames:
                frames.complete = False
                break
            blocks.add(frame.pixels, frame.index // step)
            if frame.index >= first:
                frames.add(frame)
            if on_progress is not None:
                on_progress(frames.count, min(expected, segment.max_frames))
        reading = frames.make_reading(video)
    return Part(segment, reading, follower.looks())


def join_parts(parts: Iterable[Part], eye_pictures: dict[int, bytes] | None = None) -> Track:
    """Join the parts of a recording into its track.

    Parameters
    ----------
    parts : iterable of Part
        One part for each segment of a plan, in any order. A segment may have several, if they are
        the same bit for bit.
    eye_pictures : dict, optional
        Filled with JPEGs of the eyes, by the index of the frame in the track, if the parts kept
        them.

    Returns
    -------
    Track
        The same track as if the recording had not been divided. Like that of `track_video`, it has
        no protocol, task and hash of the video.

    Raises
    ------
    PartsError
        A part is missing, the parts are of several plans, or two of one segment differ.
    """
    ordered = _put_in_order(parts)
    readings = [part.reading for part in ordered]
    last = ordered[-1].segment
    count = sum(reading.frame_index.size for reading in readings)
    follower = RecallingFollower(count, last.step, eye_pictures is not None)
    for part in ordered:
        follower.follow(part.looks, part.reading.frame_index // last.step)
    face = follower.result()
    if eye_pictures is not None:
        eye_pictures.update(face.eye_pictures)
    video = readings[0].video
    if last.stretch is not None:
        video = replace(video, bits_per_frame=last.bits_per_frame)
    reading = replace(
        readings[0],
        frame_index=np.concatenate([one.frame_index for one in readings]),
        stream_times_s=np.concatenate([one.stream_times_s for one in readings]),
        complete=readings[-1].complete and not last.ends_early,
        # A single run sees that the recording goes on by decoding one frame more.
        frames_decoded=sum(one.frames_decoded for one in readings) + last.ends_early,
        frames_failed=sum(one.frames_failed for one in readings),
        whole=readings[-1].whole,
        video=video,
    )
    return make_track(reading, face, last.asked_step, last.step)


def _put_in_order(parts: Iterable[Part]) -> list[Part]:
    """Return the parts in the recording's order, one for each segment.

    Raise a `PartsError` if one is missing, if they are of several plans, or if two parts of one
    segment differ.
    """
    given = list(parts)
    plans = {(part.segment.plan, part.segment.count) for part in given}
    if not plans:
        raise PartsError("there is no part to join")
    if len(plans) > 1:
        raise PartsError("the parts belong to different plans: track all segments of one plan")
    ((_, count),) = plans
    found: dict[int, Part] = {}
    for part in given:
        n = part.segment.index
        other = found.setdefault(n, part)
        if other is not part and not other.is_same(part):
            raise PartsError(f"segment {n} has two parts that differ: track it again")
    missing = sorted(set(range(count)) - found.keys())
    if missing:
        raise PartsError(f"parts are missing: track segments {', '.join(map(str, missing))} too")
    return [found[n] for n in range(count)]
