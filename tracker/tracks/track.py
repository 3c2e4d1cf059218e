"""The track: 40 landmarks of the face in each analysed frame of a recording.

It is all that is kept and analysed of a video, with rough heights of the irises in some pictures,
and what is known of the file and its picture quality (`TrackInfo`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kernels.opening import MAX_GAP_S
from tracker.face.blocks import BlockFollower
from tracker.face.follow import TURNS_DEG, FaceFinder, FaceFollower, FollowedFace
from tracker.face.quality import ImageQuality, worst_quality
from tracker.machine import count_processors
from tracker.protocol import Phase, Task
from tracker.tracks.pacing import LARGEST_STEP, Pacer
from tracker.video.frames import Frame, Video, VideoInfo
from tracker.video.times import TIME_SOURCES, TimeSource, compute_slowed_down, repair_times


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """Where a track comes from: its video, and how it was tracked.

    Attributes
    ----------
    video : VideoInfo
        What the file declares (size, frame rate, number of frames, time of recording), and the size
        of its encoded frames.
    step : int
        Every `step`-th source frame was to be tracked: see `raised_step`.
    frames_decoded, frames_failed : int
        Source frames that were decoded, including skipped ones, and those that could not be.
    time_source : {"stream", "stream_repaired", "frame_rate"}
        Where the frames' times come from: the file; the file, but a few are interpolated; or the
        frames' indices and the frame rate, because the file's times cannot be used.
    complete : bool
        False if `max_frames`, the time budget or damage ended the track before the video ended.
    other_face_ratio : float
        Area of the next largest face divided by the area of the tracked one, both summed over time;
        0 if there is no other face.
    image_quality : ImageQuality
        Medians over the frames of the recording in which it was measured; NaN if in none. Of joined
        recordings, the worst: see `tracker.face.quality.worst_quality`.
    protocol : tuple of Phase
        What the person was asked to do, and when; empty if that is unknown.
    task : {"up_down", "extended", "unknown"}
        What the person was asked to do, if somebody said so; see `tracker.protocol.Task`.
    raised_step : int
        Largest step that was used instead of `step`, because the recording has more frames than
        `max_frames`, or time was short; 0 if `step` was used throughout.
    out_of_time : bool
        True if the time budget ended the track before the end of the video.
    video_sha256 : str
        Hash of the video's content, in hexadecimal; empty if it was not computed.
    cut_off : bool
        True if the file is cut off, or could not be decoded to its end. False if tracking ended
        before that, because of `max_frames` or the time budget.
    recordings : int
        Video streams in the file that may be the recording, of which one was tracked.
    mirrored : bool
        True if the file says to show a mirror image, and the frames were mirrored back.
    capture_fps : float
        Frames a second when they were captured, as the file says; 0 if it does not.
    slowed_down : float
        How many times slower than reality the video plays: above 1 for slow motion, below 1 for a
        time lapse, 1 if it is neither or that is unknown. `Track.times_s` are real times.
    """

    video: VideoInfo
    step: int
    frames_decoded: int
    frames_failed: int
    time_source: TimeSource
    complete: bool
    other_face_ratio: float
    image_quality: ImageQuality
    protocol: tuple[Phase, ...] = ()
    raised_step: int = 0
    out_of_time: bool = False
    video_sha256: str = ""
    task: Task = "unknown"
    cut_off: bool = False
    recordings: int = 1
    mirrored: bool = False
    capture_fps: float = 0.0
    slowed_down: float = 1.0


@dataclass(frozen=True, slots=True)
class Track:
    """Landmarks of the eyes and the face of one person over one recording.

    Attributes
    ----------
    frame_index : ndarray, shape (N,), int64
        Index of each frame in the source video, strictly increasing.
    times_s : ndarray, shape (N,), float64
        When each frame is shown, in seconds, strictly increasing from 0; of slow motion and time
        lapses, the real times.
    landmarks : ndarray, shape (N, K, 2), float32
        Pixels of the upright frame, in the columns of `kernels.FACE_MESH_INDICES`; NaN in frames
        without the person's face.
    second_pass_sample : ndarray, shape (T,), int64
        Frames with a second pass, as indices of the N frames, strictly increasing. In a second
        pass FaceMesh finds the face again, in a region that is turned by a few degrees.
    second_pass_landmarks : ndarray, shape (T, K, 2), float32
        Landmarks of the second pass, in pixels like the others.
    second_pass_turn : ndarray, shape (T,), int64
        How far the region was turned: index of `tracker.face.follow.TURNS_DEG`. In joined tracks,
        recording n (from 0) has 4 n added to it, so that no two share an index.
    info : TrackInfo
        Where the track comes from.
    picture_sample : ndarray, shape (S,), int64
        Frames in whose pictures the irises' heights were measured, not taken from landmarks
        (`tracker.face.picture_gaze`), as indices of the N frames, strictly increasing. Tracks of
        earlier versions have none.
    picture_heights : ndarray, shape (S, 2), float32
        Height of the left and the right iris in these frames, in canthal distances (from corner to
        corner of an eye), down positive. 0 is the height in the recording's typical picture; in
        joined tracks, each recording has its own. NaN where the iris was not found.

    Examples
    --------
    >>> import tracker
    >>> track = tracker.track("clip.mp4")
    >>> track
    <Track of 180 frames in 11.9 s, 180 with a face>
    >>> track.landmarks.shape
    (180, 40, 2)
    """

    frame_index: NDArray[np.int64]
    times_s: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    second_pass_sample: NDArray[np.int64]
    second_pass_landmarks: NDArray[np.float32]
    second_pass_turn: NDArray[np.int64]
    info: TrackInfo
    picture_sample: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    picture_heights: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 2), np.float32)
    )

    def __repr__(self) -> str:
        seen = int(np.isfinite(self.landmarks[:, 0, 0]).sum())
        lasts_s = float(self.times_s[-1]) if self.times_s.size else 0.0
        return f"<Track of {self.times_s.size} frames in {lasts_s:.1f} s, {seen} with a face>"


def track_video(
    source: Path | BufferedIOBase | Video,
    finder: FaceFinder,
    step: int,
    max_frames: int,
    on_progress: Callable[[int, int], None] | None = None,
    budget_s: float | None = None,
    decode_ahead: bool = True,
    eye_pictures: dict[int, bytes] | None = None,
    keep_step: bool = False,
) -> Track:
    """Decode a video and follow the face in it.

    Parameters
    ----------
    source : Path or BufferedIOBase or Video
        A file, a seekable binary stream, or an open video, which is closed at the end.
    finder : FaceFinder
        The models: a `tracker.face.mesh.FaceMesh`.
    step : int
        Track every `step`-th frame; 1, and no other, is raised until `max_frames` cover the video.
    max_frames : int
        Most frames to track: the track ends after them. It bounds the memory.
    on_progress : callable, optional
        Called after each tracked frame with the frames tracked and those expected (0: unknown).
        With a budget, frames that a raised step skips count as tracked.
    budget_s : float, optional
        Seconds that tracking may take: any step is raised to keep them, or the track ends early.
    decode_ahead : bool, default True
        Decode on a second thread; the track is the same. Switch it off if other processes use the
        cores. It has no effect on a single core, or with a budget, which measures step by step.
    eye_pictures : dict, optional
        Filled with JPEGs of the eyes, by the index of the frame in the track.
    keep_step : bool, default False
        Never raise a step of 1 because of `max_frames`.

    Returns
    -------
    Track
        Of the face with the largest area over all frames; without a face, all landmarks are NaN.

    Raises
    ------
    InputError
        The file is missing, is no video, or cannot be decoded.
    """
    with source if isinstance(source, Video) else Video(source) as video:
        used_step = step if keep_step else raise_step(video.expected_frames, step, max_frames)
        pacer = None if budget_s is None else _make_pacer(video, used_step, max_frames, budget_s)
        follower = FaceFollower(finder, max_frames, used_step, eye_pictures is not None)
        blocks = BlockFollower(follower, finder, used_step)
        ahead = decode_ahead and pacer is None and count_processors() > 1
        frames = Frames(max_frames)
        _follow_frames(video, frames, blocks, pacer, used_step, ahead, on_progress)
        face = follower.result()
        largest = max(used_step, 0 if pacer is None else pacer.raised_step)
        track = make_track(frames.make_reading(video), face, step, largest)
    if eye_pictures is not None:
        eye_pictures.update(face.eye_pictures)
    return track


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a video: which frames were tracked, and how the decoding went.

    Attributes
    ----------
    frame_index : ndarray, shape (N,), int64
        Index of each tracked frame in the video, strictly increasing.
    stream_times_s : ndarray, shape (N,), float64
        Their times in seconds as the stream tells them, not repaired: some may be NaN.
    complete, out_of_time : bool
        `complete`: False if the tracking was ended before the video, by the most frames to track or
        the time budget. `out_of_time`: whether it was the time budget.
    video : VideoInfo
        What the file declares, and the size of its encoded frames.
    frames_decoded, frames_failed : int
        Source frames that were decoded, including skipped ones, and those that could not be.
    whole : bool
        False if the file is cut off, or could not be decoded to its end. True if tracking ended
        before that.
    recordings, mirrored, capture_fps : int, bool, float
        Number of video streams that may be the recording; whether frames were mirrored back; and
        frames a second when they were captured, 0 if unknown.
    """

    frame_index: NDArray[np.int64]
    stream_times_s: NDArray[np.float64]
    complete: bool
    out_of_time: bool
    video: VideoInfo
    frames_decoded: int
    frames_failed: int
    whole: bool
    recordings: int
    mirrored: bool
    capture_fps: float


class Frames:
    """Collects the frames that are tracked: their indices, their times, and why tracking ended.

    Parameters
    ----------
    max_frames : int
        Most frames that will be added; memory for them is taken at once.

    Attributes
    ----------
    index, stream_times_s : ndarray, shape (max_frames,)
        Index of each frame in the video, and its time in seconds as the stream tells it; only the
        first `count` are filled.
    count : int
        Number of frames so far.
    complete, out_of_time : bool
        At first True and False. Whoever ends the tracking before the video ends sets `complete`
        to False, and `out_of_time` to True if the time was up.
    """

    def __init__(self, max_frames: int) -> None:
        self.index = np.empty(max_frames, dtype=np.int64)
        self.stream_times_s = np.empty(max_frames)
        self.count = 0
        self.complete, self.out_of_time = True, False

    def add(self, frame: Frame) -> None:
        """Keep the index and the time of one more frame; its pixels are not kept."""
        self.index[self.count] = frame.index
        self.stream_times_s[self.count] = frame.stream_time_s
        self.count += 1

    def make_reading(self, video: Video) -> Reading:
        """Return which frames were tracked, and how the decoding of `video`, their source, went.

        Call it after the last frame: before, what it says of the decoding is not complete.
        """
        return Reading(
            # Copies, so that the buffers for max_frames are freed.
            frame_index=self.index[: self.count].copy(),
            stream_times_s=self.stream_times_s[: self.count].copy(),
            complete=self.complete,
            out_of_time=self.out_of_time,
            video=video.info,
            frames_decoded=video.frames_decoded,
            frames_failed=video.frames_failed,
            whole=video.whole,
            recordings=video.recordings,
            mirrored=video.mirrored,
            capture_fps=video.capture_fps,
        )


def raise_step(expected_frames: int, step: int, max_frames: int) -> int:
    """Return the step to use: a step of 1 is raised so that `max_frames` cover the recording.

    Every `step`-th of the video's `expected_frames` frames is tracked. 1 is raised no further than
    to `LARGEST_STEP`, and not at all if `expected_frames` is 0 (unknown). A larger step was chosen
    by somebody and is returned as it is. For example, 25,000 frames, 1 and 12,000 give 3.
    """
    if step > 1:
        return step
    return max(step, min(LARGEST_STEP, -(-expected_frames // max_frames)))


def _make_pacer(video: Video, step: int, max_frames: int, budget_s: float) -> Pacer:
    # If the container does not know its number of frames, expect the most that can be tracked.
    most = max_frames * step
    return Pacer(step, min(most, video.expected_frames or most), budget_s)


def _follow_frames(
    video: Video,
    frames: Frames,
    blocks: BlockFollower,
    pacer: Pacer | None,
    step: int,
    ahead: bool,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    """Decode a video, and give every `step`-th frame to `blocks`, which follows the face.

    It ends when the video ends, as many frames as `frames` has room for are tracked, or the time is
    up; `frames` then holds them, and says why it ended. `pacer` chooses the frames instead of
    `step` if there is a time budget; None without one. If `ahead`, a second thread decodes.
    `on_progress` is called after each tracked frame with the frames tracked and those expected (0:
    unknown); if there is a `pacer`, frames that its larger step skips count as tracked.
    """
    max_frames = frames.index.size
    expected = min(max_frames, -(-video.expected_frames // step))
    for frame in video.frames(step, None if pacer is None else pacer.wants, ahead):
        count = frames.count
        done = count == max_frames or (pacer is not None and frame.index >= max_frames * step)
        out_of_time = not done and pacer is not None and count > 0 and pacer.out_of_time
        if done or out_of_time:
            frames.complete, frames.out_of_time = False, out_of_time
            return
        # A pacer changes the step, so that the number of a tracked frame is simply its count.
        blocks.add(frame.pixels, frame.index // step if pacer is None else count)
        frames.add(frame)
        if on_progress is not None:
            passed = frame.index // step + 1
            on_progress(frames.count if pacer is None else min(passed, expected), expected)
        if pacer is not None:
            pacer.tracked()


def make_track(reading: Reading, face: FollowedFace, step: int, largest_step: int) -> Track:
    """Put a track together from the frames that were read and the face that was followed in them.

    The times are repaired here, and those of slow motion or a time lapse become real times.

    Parameters
    ----------
    reading : Reading
        The frames' indices and times, N of them, and how the decoding went.
    face : FollowedFace
        The recorded person's face in each frame of the reading.
    step, largest_step : int
        The step that was asked for, and the largest one that was used.

    Returns
    -------
    Track
        Without protocol, task and hash of the video, which the caller adds.
    """
    index = reading.frame_index
    times_s, time_source = repair_times(reading.stream_times_s, index, reading.video.fps)
    slowed_down = compute_slowed_down(times_s, index, reading.capture_fps)
    return Track(
        frame_index=index,
        times_s=times_s / slowed_down,
        landmarks=face.landmarks.copy(),
        second_pass_sample=face.second_pass_sample,
        second_pass_landmarks=face.second_pass_landmarks,
        second_pass_turn=face.second_pass_turn,
        info=TrackInfo(
            video=reading.video,
            step=step,
            frames_decoded=reading.frames_decoded,
            frames_failed=reading.frames_failed,
            time_source=time_source,
            complete=reading.complete and reading.whole,
            other_face_ratio=face.other_face_ratio,
            image_quality=face.image_quality,
            raised_step=largest_step if largest_step > step else 0,
            out_of_time=reading.out_of_time,
            cut_off=reading.complete and not reading.whole,
            recordings=reading.recordings,
            mirrored=reading.mirrored,
            capture_fps=reading.capture_fps,
            slowed_down=slowed_down,
        ),
        picture_sample=face.picture_sample,
        picture_heights=face.picture_heights,
    )


def concatenate_tracks(tracks: Sequence[Track]) -> Track:
    """Join successive recordings of one person into one track.

    Parameters
    ----------
    tracks : sequence of Track
        In order; all with one frame size and one `step`. At least one.

    Returns
    -------
    Track
        Times and frame indices continue from track to track. The gap between two tracks is 1 s: too
        long for a closure or valid time to cross it. It has no protocol and no hash of the video.
        `picture_heights` are not made comparable: in each recording, 0 is still that recording's
        own typical picture. If one recording has only looks up and another one only looks down, the
        heights therefore cannot show that the landmarks do not follow the irises.

    Raises
    ------
    ValueError
        There is no track, or the frame sizes or steps differ.
    """
    if not tracks:
        raise ValueError("no track to concatenate")
    if len({(t.info.video.width, t.info.video.height, t.info.step) for t in tracks}) > 1:
        raise ValueError("the tracks differ in frame size or step: track the videos alike")
    frame_index, times_s, second_pass_sample, picture_sample = [], [], [], []
    next_index, next_time_s, samples = 0, 0.0, 0
    for track in tracks:
        second_pass_sample.append(track.second_pass_sample + samples)
        picture_sample.append(track.picture_sample + samples)
        samples += track.times_s.size
        frame_index.append(track.frame_index + next_index)
        times_s.append(track.times_s + next_time_s)
        if track.times_s.size:
            next_index = int(frame_index[-1][-1]) + track.info.step
            next_time_s = float(times_s[-1][-1]) + 2 * MAX_GAP_S
    return Track(
        np.concatenate(frame_index),
        np.concatenate(times_s),
        np.concatenate([track.landmarks for track in tracks]),
        np.concatenate(second_pass_sample),
        np.concatenate([track.second_pass_landmarks for track in tracks]),
        # Each recording frames the face differently, so its turns get their own indices.
        np.concatenate(
            [track.second_pass_turn + len(TURNS_DEG) * n for n, track in enumerate(tracks)]
        ),
        _join_infos([track.info for track in tracks]),
        np.concatenate(picture_sample),
        np.concatenate([track.picture_heights for track in tracks]),
    )


def _join_infos(infos: Sequence[TrackInfo]) -> TrackInfo:
    """Return the information of joined tracks: sums of numbers of frames, worst of the rest.

    So the whole is complete only if all tracks are, and cut off, mirrored or out of time if one is.
    The step, the task, the rate of capture, the slow motion, and what else the video declares come
    from the first track. There is no protocol and no hash, because each fits only one recording.
    """
    return replace(
        infos[0],
        video=replace(
            infos[0].video,
            frame_count=sum(info.video.frame_count for info in infos),
            bits_per_frame=min(info.video.bits_per_frame for info in infos),
        ),
        frames_decoded=sum(info.frames_decoded for info in infos),
        frames_failed=sum(info.frames_failed for info in infos),
        time_source=max((info.time_source for info in infos), key=TIME_SOURCES.index),
        complete=all(info.complete for info in infos),
        raised_step=max(info.raised_step for info in infos),
        out_of_time=any(info.out_of_time for info in infos),
        cut_off=any(info.cut_off for info in infos),
        recordings=max(info.recordings for info in infos),
        mirrored=any(info.mirrored for info in infos),
        # A protocol's times only fit a single recording.
        protocol=(),
        video_sha256="",
        other_face_ratio=max(info.other_face_ratio for info in infos),
        image_quality=worst_quality([info.image_quality for info in infos]),
    )
