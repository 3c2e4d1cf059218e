"""The track: where the eyes were in each frame. All that is kept of a video, and all that is
analysed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kernels.closures import MAX_GAP_S
from tracker.face.follow import TURNS_DEG, FaceFinder, FaceFollower
from tracker.face.quality import ImageQuality, worst_quality
from tracker.machine import count_processors
from tracker.protocol import Phase
from tracker.tracks.pacing import Pacer
from tracker.video.frames import (
    Video,
    VideoInfo,
)
from tracker.video.times import TIME_SOURCES, TimeSource, repair_times


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """Where a track comes from.

    Attributes
    ----------
    video : VideoInfo
        As the container declares it.
    step : int
        Every how many source frames one was tracked.
    frames_decoded, frames_failed : int
        Source frames passed, skipped ones included, and those that could not be decoded.
    time_source : str
        See `tracker.video.times.repair_times`.
    complete : bool
        False where `max_frames` or the time there was ended the track before the video did.
    other_face_ratio : float
        See `tracker.face.follow.FaceFollower.result`.
    image_quality : ImageQuality
        Medians over the recording, see there.
    protocol : tuple of Phase
        What the person was asked to do, where it is known.
    raised_step : int
        Largest step that want of time led to; 0 where `step` was kept.
    out_of_time : bool
        True where the time there was ended the track before the video did.
    video_sha256 : str
        Of the video's content, in hexadecimal; empty where it was not computed.
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


@dataclass(frozen=True, slots=True)
class Track:
    """Eye landmarks of one person over one recording.

    Attributes
    ----------
    frame_index : ndarray, shape (N,), int64
        Index of each frame in the source video, strictly increasing.
    times_s : ndarray, shape (N,), float64
        Presentation times in seconds, strictly increasing from 0.
    landmarks : ndarray, shape (N, K, 2), float32
        Pixels, in the columns of `kernels.FACE_MESH_INDICES`; a row of NaN where no face was seen.
    second_pass_sample : ndarray, shape (T,), int64
        Some of the N frames, strictly increasing, in which the face was looked at again.
    second_pass_landmarks : ndarray, shape (T, K, 2), float32
        What was found then.
    second_pass_turn : ndarray, shape (T,), int64
        In which of the turned regions, by place in `tracker.face.follow.TURNS_DEG`.
    info : TrackInfo
    """

    frame_index: NDArray[np.int64]
    times_s: NDArray[np.float64]
    landmarks: NDArray[np.float32]
    second_pass_sample: NDArray[np.int64]
    second_pass_landmarks: NDArray[np.float32]
    second_pass_turn: NDArray[np.int64]
    info: TrackInfo

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
) -> Track:
    """Decode a video and follow the face in it.

    Parameters
    ----------
    source : Path or BufferedIOBase or Video
        A video file, a seekable binary stream, or a video that was opened and is closed here.
    finder : FaceFinder
        The models: a `tracker.face.mesh.FaceMesh`.
    step : int
        Track every `step`-th frame.
    max_frames : int
        Most frames to track. The memory for them is bounded before decoding starts.
    on_progress : callable, optional
        Called after each tracked frame with the number of frames tracked and the number expected
        (0 if the container does not know).
    budget_s : float, optional
        Time there is. Where it is short, `step` is raised so that the whole recording is covered;
        where that does not do, the track ends in time. See `tracker.tracks.pacing.Pacer`.
    decode_ahead : bool, default True
        Decode on a second thread while frames are tracked; the track is the same. Only where the
        process has a second core, and without a budget: a frame's cost is measured by decoding and
        tracking one after the other. To be switched off where other processes use the cores.
    eye_pictures : dict, optional
        Is filled with a JPEG of the face's eyes for each tracked frame that shows them, by the
        frame's place in the track. See `tracker.face.eye_pictures`.

    Returns
    -------
    Track

    Raises
    ------
    InputError
        See `tracker.video.frames.Video`.
    """
    with source if isinstance(source, Video) else Video(source) as video:
        frame_index = np.empty(max_frames, dtype=np.int64)
        stream_times_s = np.empty(max_frames)
        follower = FaceFollower(finder, max_frames, step, eye_pictures is not None)
        expected = min(max_frames, -(-video.info.frame_count // step))
        # Where the container does not know how many frames it has, the most there can be.
        most = max_frames * step
        source_frames = min(most, video.info.frame_count or most)
        pacer = None if budget_s is None else Pacer(step, source_frames, budget_s)
        count, complete, out_of_time = 0, True, False
        wants = None if pacer is None else pacer.wants
        ahead = decode_ahead and pacer is None and count_processors() > 1
        for frame in video.frames(step, wants, ahead):
            done = count == max_frames or (pacer is not None and frame.index >= most)
            out_of_time = not done and pacer is not None and count > 0 and pacer.out_of_time
            if done or out_of_time:
                complete = False
                break
            frame_index[count], stream_times_s[count] = frame.index, frame.stream_time_s
            follower.add(frame.pixels)
            count += 1
            if on_progress is not None:
                passed = frame.index // step + 1
                on_progress(count if pacer is None else min(passed, expected), expected)
            if pacer is not None:
                pacer.tracked()
        times_s, time_source = repair_times(
            stream_times_s[:count], frame_index[:count], video.info.fps
        )
        face = follower.result()
        if eye_pictures is not None:
            eye_pictures.update(face.eye_pictures)
        info = TrackInfo(
            video=video.info,
            step=step,
            frames_decoded=video.frames_decoded,
            frames_failed=video.frames_failed,
            time_source=time_source,
            complete=complete,
            other_face_ratio=face.other_face_ratio,
            image_quality=face.image_quality,
            raised_step=0 if pacer is None else pacer.raised_step,
            out_of_time=out_of_time,
        )
    return Track(
        # Copies, so that the buffers of max_frames are given back.
        frame_index=frame_index[:count].copy(),
        times_s=times_s,
        landmarks=face.landmarks.copy(),
        second_pass_sample=face.second_pass_sample,
        second_pass_landmarks=face.second_pass_landmarks,
        second_pass_turn=face.second_pass_turn,
        info=info,
    )


def concatenate_tracks(tracks: Sequence[Track]) -> Track:
    """Join recordings of one person, one after the other, into one track.

    Parameters
    ----------
    tracks : sequence of Track
        In order; all of one picture size and `step`.

    Returns
    -------
    Track
        Times and frame indices continue; the joint is a gap that no closure and no valid time
        bridges.

    Raises
    ------
    ValueError
        No track, or the picture sizes or steps differ.
    """
    if not tracks:
        raise ValueError("no track to concatenate")
    if len({(t.info.video.width, t.info.video.height, t.info.step) for t in tracks}) > 1:
        raise ValueError("the tracks differ in picture size or step: track the videos alike")
    frame_index, times_s, second_pass_sample = [], [], []
    next_index, next_time_s, samples = 0, 0.0, 0
    for track in tracks:
        second_pass_sample.append(track.second_pass_sample + samples)
        samples += track.times_s.size
        frame_index.append(track.frame_index + next_index)
        times_s.append(track.times_s + next_time_s)
        if track.times_s.size:
            next_index = int(frame_index[-1][-1]) + track.info.step
            next_time_s = float(times_s[-1][-1]) + 2 * MAX_GAP_S
    infos = [track.info for track in tracks]
    return Track(
        np.concatenate(frame_index),
        np.concatenate(times_s),
        np.concatenate([track.landmarks for track in tracks]),
        np.concatenate(second_pass_sample),
        np.concatenate([track.second_pass_landmarks for track in tracks]),
        # Each recording frames the face in its own way.
        np.concatenate(
            [track.second_pass_turn + len(TURNS_DEG) * n for n, track in enumerate(tracks)]
        ),
        replace(
            infos[0],
            video=replace(
                infos[0].video,
                frame_count=sum(info.video.frame_count for info in infos),
                bits_per_frame=min(info.video.bits_per_frame for info in infos),
            ),
            frames_decoded=sum(info.frames_decoded for info in infos),
            frames_failed=sum(info.frames_failed for info in infos),
            time_source=max(
                (info.time_source for info in infos),
                key=TIME_SOURCES.index,
            ),
            complete=all(info.complete for info in infos),
            raised_step=max(info.raised_step for info in infos),
            out_of_time=any(info.out_of_time for info in infos),
            # Its times are those of one recording.
            protocol=(),
            video_sha256="",
            other_face_ratio=max(info.other_face_ratio for info in infos),
            image_quality=worst_quality([info.image_quality for info in infos]),
        ),
    )
