"""Time the stages of an analysis: wrappers of the video and of the models that read a clock."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.face.follow import FaceFinder
from tracker.face.region import Region
from tracker.video.frames import Frame, Image, ImageLike, Video
from tracker.video.pixels import LazyImage

CROP_PX = 256
"""Side of the picture of a face that is kept to measure the least time of FaceMesh."""


class Clock:
    """Adds up the seconds of each stage, by its name: ``with clock.stage("decode"): ...``.

    The time of a stage inside another one does not count for the outer one. `cpu_s` and `wall_s`
    hold seconds by the name of the stage: CPU time of the thread that it ran on, and elapsed time.
    Several threads may use one clock.
    """

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = {}
        self.wall_s: dict[str, float] = {}
        self._thread = threading.local()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        outer = getattr(self._thread, "inner", None)
        inner = self._thread.inner = [0.0, 0.0]
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        try:
            yield
        finally:
            cpu_s, wall_s = time.thread_time() - cpu_s, time.perf_counter() - wall_s
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + cpu_s - inner[0]
            self.wall_s[name] = self.wall_s.get(name, 0.0) + wall_s - inner[1]
            if outer is not None:
                outer[0] += cpu_s
                outer[1] += wall_s
            self._thread.inner = outer


class TimedImage(LazyImage):
    """A decoded frame that times each conversion of a part of it to colours: stage ``convert``."""

    def __init__(self, image: LazyImage, clock: Clock) -> None:
        self._image, self._clock = image, clock
        self.shape, self.to_stored, self.light = image.shape, image.to_stored, image.light
        # These two are not timed, so the image's own ones are used.
        self.planes, self.release = image.planes, image.release  # type: ignore[method-assign]

    def __getitem__(self, part: tuple[slice, slice]) -> Image:
        with self._clock.stage("convert"):
            return self._image[part]


class TimedVideo(Video):
    """A video whose decoding (stage ``decode``) and conversions to colours (``convert``) are timed.

    `decoded_ahead` tells whether `frames` was last asked to decode ahead.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path)
        self.decoded_ahead = False
        self._clock = clock

    def frames(
        self, step: int = 1, wants: Callable[[int], bool] | None = None, ahead: bool = False
    ) -> Iterator[Frame]:
        self.decoded_ahead = ahead
        for frame in super().frames(step, wants, ahead):
            yield replace(frame, pixels=TimedImage(frame.pixels, self._clock))

    def _decode(self, step: int, wants: Callable[[int], bool] | None) -> Iterator[Any]:
        results = super()._decode(step, wants)
        while True:
            with self._clock.stage("decode"):
                result = next(results, None)
            if result is None:
                return
            yield result


class TimedFinder:
    """A `FaceFinder` that times its calls, and keeps a picture of the first face.

    The stages are ``detector`` (`detect`) and ``face_mesh`` (`find_landmarks`).
    `measure_floor` needs the picture. `face` is that picture, `CROP_PX` pixels a side; None until a
    face was found. `finder` is the one that is timed.
    """

    def __init__(self, finder: FaceFinder, clock: Clock) -> None:
        self.finder = finder
        self.face: Image | None = None
        self._clock = clock

    def detect(self, image: ImageLike) -> list[Region]:
        with self._clock.stage("detector"):
            return self.finder.detect(image)

    def find_landmarks(self, image: ImageLike, region: Region) -> NDArray[np.float32] | None:
        with self._clock.stage("face_mesh"):
            points = self.finder.find_landmarks(image, region)
        if self.face is None and points is not None:
            self.face = cut_face(image, region)
        return points


def cut_face(image: ImageLike, region: Region) -> Image:
    """Cut a face out as a square picture of `CROP_PX` pixels a side, without turning it upright.

    `region` is the square around the face, in pixels of `image`; its angle is ignored. If a part of
    it lies outside the image, the rest (there must be some) is stretched to the square picture.
    """
    half = region.side_px / 2
    left, top = max(0, int(region.centre_x - half)), max(0, int(region.centre_y - half))
    part = image[top : int(region.centre_y + half), left : int(region.centre_x + half)]
    return cv2.resize(part, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
