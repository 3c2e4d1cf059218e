"""An annotated copy of a video: each analysed frame, and its measures in a panel below."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT
from kernels.landmarks import EYE_COLUMNS, FACE_MESH_INDICES
from kernels.measures import RANGE_QUANTILES, median_finite
from tracker.face.quality import EYE_BOX_U, EYE_BOX_V
from tracker.files.names import result_path
from tracker.files.tables import name_events
from tracker.files.whole import write_whole
from tracker.measures.analysis import Analysis
from tracker.measures.gaze import mark_task
from tracker.video.container import VideoOpenError
from tracker.video.frames import Image, Video
from tracker.words import round_range

LONG_SIDE_PX, SHORT_SIDE_PX = 1920, 1080
"""Largest size of the copy with its panel, in either orientation: every player decodes it."""
PANEL_WIDTH_PX, PANEL_HEIGHT_PX = 480, 150
"""Size of the panel below the picture at unit 1, where its text is just legible. A smaller picture
is enlarged to this width; a larger one gets a larger panel."""
CLOCK_HZ = 120_000
"""Timestamp ticks a second: a whole number for each frame at all common rates, 29.97 included."""
QUALITY_CRF = "20"
BLANK_GREY = 96
"""Grey level of the hidden parts of a copy with `blur_face`."""
GAUGE_REACH = 0.2
"""Offset from the recording's median at the ends of the gaze gauge, in canthal distances. It is the
same in every copy, so that copies can be compared."""
EAR_BAR_END = 0.5

_CONTOURS = {
    eye: [FACE_MESH_INDICES.index(index) for index in indices]
    for eye, indices in (
        (LEFT, (362, 385, 386, 387, 263, 373, 374, 380)),
        (RIGHT, (33, 160, 159, 158, 133, 153, 145, 144)),
    )
}
_IRISES = {eye: FACE_MESH_INDICES.index(index) for eye, index in ((LEFT, 473), (RIGHT, 468))}
"""Column of each iris's centre. The four points of its ring follow. The first and the third are at
the sides, and the others at the top and the bottom."""

_EVENT_WORDS = {
    "blink": "BLINK",
    "prolonged_closure": "PROLONGED CLOSURE",
    "flutter": "LID FLUTTER",
    "wink_left": "WINK: LEFT EYE SHUT",
    "wink_right": "WINK: RIGHT EYE SHUT",
}

_DARK_LEVEL = 24
_DARK, _DIM, _LIGHT = (_DARK_LEVEL,) * 3, (150, 150, 150), (255, 255, 255)
_LIDS, _IRIS, _EVENT = (0, 255, 255), (255, 255, 0), (80, 190, 255)
"""Blue, green, red. A shape or a word always says the same as the colour."""
_SUBPIXEL_BITS = 4


def write_overlay(
    directory: Path,
    stem: str,
    video: Path,
    analysis: Analysis,
    blur_face: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    decode_ahead: bool = False,
) -> Path:
    """Decode a video once more and write its annotated copy, ``STEM.overlay.mp4``.

    Parameters
    ----------
    directory : Path
        An existing directory.
    stem : str
        What the name of the copy begins with.
    video : Path
        The video that was analysed.
    analysis : Analysis
    blur_face : bool, default False
        Of the picture, show only a box around each eye of the analysed face; in a frame in which no
        face counts as seen, nothing. The rest is plain grey, because a mosaic or blur of a moving
        face can be undone from many frames.
    on_progress : callable, optional
        Called after each frame with the number of frames written and the number there will be.
    decode_ahead : bool, default False
        Decode on a second thread, which is faster if there is a second core.

    Returns
    -------
    Path
        The copy, as H.264 that browsers play. It has only the analysed frames, at their times from
        the first one; slow motion is shown at its real speed. It has no sound and no metadata of
        the video. It is written whole or not at all. An earlier copy is removed even if this fails.

    Raises
    ------
    InputError
        The video cannot be read (see `tracker.video.frames.Video`), or an analysed frame is missing
        or of another size than before, so that it is not the video that was analysed.
    """
    # Nobody should take an earlier copy for this one, above all if the earlier one shows the face.
    path = result_path(directory, stem, "overlay")
    path.unlink(missing_ok=True)
    return write_whole(
        path,
        lambda partial: _encode(partial, video, analysis, blur_face, on_progress, decode_ahead),
    )


def _encode(
    path: Path,
    source: Path,
    analysis: Analysis,
    blur_face: bool,
    on_progress: Callable[[int, int], None] | None,
    decode_ahead: bool,
) -> None:
    import av

    track = analysis.track
    count = track.frame_index.size
    layout = Layout.fit(track.info.video.width, track.info.video.height)
    painter = _Painter(layout, analysis, blur_face)
    ticks = np.round(track.times_s * CLOCK_HZ).astype(np.int64)
    # Frames that are less than a tick apart still get different timestamps.
    ticks = np.maximum.accumulate(ticks - np.arange(count)) + np.arange(count)
    typical = int(np.median(np.diff(ticks))) if count > 1 else CLOCK_HZ // 30
    durations = np.append(np.diff(ticks), typical)
    wanted = set(track.frame_index.tolist())
    written = 0
    # The path is absolute, so that FFmpeg takes no name such as "concat:..." for a protocol.
    with (
        Video(source) as video,
        av.open(
            str(path.resolve()), "w", format="mp4", options={"movflags": "+faststart"}
        ) as container,
    ):
        # Without B-frames, the first timestamp is 0 and no edit list is needed. One thread gives
        # the same bytes on every machine, and recordings are analysed in parallel anyway.
        settings = {"preset": "veryfast", "crf": QUALITY_CRF, "bf": "0", "threads": "1"}
        stream: Any = container.add_stream("libx264", options=settings)
        stream.width, stream.height, stream.pix_fmt = layout.width, layout.height, "yuv420p"
        codec = stream.codec_context
        codec.time_base = stream.time_base = Fraction(1, CLOCK_HZ)
        codec.colorspace = codec.color_primaries = codec.color_trc = _BT709
        codec.color_range = _VIDEO_RANGE
        for frame in video.frames(wants=wanted.__contains__, ahead=decode_ahead):
            if (frame.image.shape[1], frame.image.shape[0]) != (
                track.info.video.width,
                track.info.video.height,
            ):
                break
            picture = av.VideoFrame.from_ndarray(painter.paint(written, frame.image), "bgr24")
            picture = picture.reformat(
                format="yuv420p", dst_colorspace=_BT709, dst_color_range=_VIDEO_RANGE
            )
            picture.pts, picture.duration = int(ticks[written]), int(durations[written])
            picture.time_base = codec.time_base
            container.mux(stream.encode(picture))
            written += 1
            if on_progress is not None:
                on_progress(written, count)
            if written == count:
                break
        container.mux(stream.encode(None))
    if written < count:
        raise VideoOpenError(
            f"{source.name}: no longer the video that was analysed. Run again, and leave it alone."
        )


_BT709, _VIDEO_RANGE = 1, 1
"""FFmpeg's numbers for the colour matrix of HD video and its limited range of levels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the copy shows the picture and, below it, the panel of measures, in the copy's pixels.

    Attributes
    ----------
    width, height : int
        Size of the copy; even numbers.
    left, picture_width, picture_height : int
        Left edge and size of the picture, which is at the top of the copy.
    scale_x, scale_y : float
        Pixels of the copy for one pixel of the source video.
    unit : float
        By how much the panel is enlarged over `PANEL_WIDTH_PX`; 1 or more.
    """

    width: int
    height: int
    left: int
    picture_width: int
    picture_height: int
    scale_x: float
    scale_y: float
    unit: float

    @classmethod
    def fit(cls, width: int, height: int) -> Self:
        """Return the layout for a video whose upright frames are `width` by `height` pixels."""
        short = min(width, height)
        total = height + short * PANEL_HEIGHT_PX / PANEL_WIDTH_PX
        largest = min(LONG_SIDE_PX / max(width, total), SHORT_SIDE_PX / min(width, total))
        scale = min(max(1.0, PANEL_WIDTH_PX / short), largest)
        picture_width, picture_height = max(1, int(width * scale)), max(1, int(height * scale))
        unit = max(1.0, min(picture_width, picture_height) / PANEL_WIDTH_PX)
        copy_width = max(picture_width, int(PANEL_WIDTH_PX * unit))
        copy_height = picture_height + int(PANEL_HEIGHT_PX * unit)
        return cls(
            width=copy_width + copy_width % 2,
            height=copy_height + copy_height % 2,
            left=(copy_width - picture_width) // 2,
            picture_width=picture_width,
            picture_height=picture_height,
            scale_x=picture_width / width,
            scale_y=picture_height / height,
            unit=unit,
        )

    def scale(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Convert points (..., 2) from the video's pixels to the scaled picture's."""
        scaled: NDArray[np.float64] = points * np.array([self.scale_x, self.scale_y])
        return scaled


class _Painter:
    """Draws the copy's frames, picture and panel, one after another into the same array."""

    def __init__(self, layout: Layout, analysis: Analysis, blur_face: bool) -> None:
        self._layout = layout
        self._analysis = analysis
        self._blur_face = blur_face
        self._events = name_events(analysis)
        gaze = analysis.gaze
        self._median = median_finite(gaze.vertical[gaze.valid])
        # With a protocol, the range comes from its phases up and down alone.
        self._counted = mark_task(gaze.valid, analysis.parameters.protocol, analysis.track.times_s)
        self._ends: list[float] = (
            np.quantile(gaze.vertical[self._counted], RANGE_QUANTILES).tolist()
            if self._counted.any()
            else []
        )
        self._canvas: Image = np.full((layout.height, layout.width, 3), _DARK_LEVEL, np.uint8)

    def paint(self, n: int, image: Image) -> Image:
        """Return the copy's frame `n`, from 0, of the video's `image`; the next call changes it."""
        layout, canvas = self._layout, self._canvas
        area = canvas[: layout.picture_height, layout.left : layout.left + layout.picture_width]
        size = (layout.picture_width, layout.picture_height)
        # Below half the size, average all pixels. Above that, averaging takes time without need.
        method = cv2.INTER_AREA if 2 * layout.picture_width < image.shape[1] else cv2.INTER_LINEAR
        scaled: Any = cv2.resize(image, size, interpolation=method)
        landmarks = self._analysis.track.landmarks[n]
        seen = bool(self._analysis.traces.seen[n])
        if not self._blur_face:
            area[:] = scaled
        else:
            area[:] = BLANK_GREY
            if seen:
                for corners in eye_boxes(landmarks):
                    _show_inside(area, scaled, layout.scale(corners))
        if seen:
            self._draw_eyes(area, n, layout.scale(landmarks))
        panel = canvas[layout.picture_height :]
        panel[:] = _DARK_LEVEL
        self._draw_panel(panel, n)
        return canvas

    def _draw_eyes(self, area: Image, n: int, points: NDArray[np.float64]) -> None:
        event = self._events[n]
        thickness = max(1, round(self._layout.unit / 1.5))
        for eye in (LEFT, RIGHT):
            shut = event in (
                "blink",
                "prolonged_closure",
                "flutter",
                ("wink_left", "wink_right")[eye],
            )
            _polygon(area, points[_CONTOURS[eye]], _LIDS, 2 * thickness if shut else thickness)
            # The landmarks of an iris behind the lids are a guess.
            if self._analysis.gaze.eyes_open[n]:
                centre = points[_IRISES[eye]]
                ring = points[_IRISES[eye] + 1 : _IRISES[eye] + 5]
                radius = float(np.hypot(*(ring[0] - ring[2]))) / 2
                _circle(area, centre, radius, _IRIS, thickness)
                _circle(area, centre, 1.0 * thickness, _IRIS, cv2.FILLED)

    def _draw_panel(self, panel: Image, n: int) -> None:
        analysis, pen = self._analysis, _Pen(panel, self._layout)
        track = analysis.track
        pen.text(10, 22, f"{track.times_s[n]:.3f} s   frame {track.frame_index[n]}", _LIGHT)
        self._draw_state(pen, n)
        self._draw_ear(pen, n)
        self._draw_gaze(pen, n)

    def _draw_state(self, pen: "_Pen", n: int) -> None:
        analysis, event = self._analysis, self._events[n]
        if not analysis.traces.seen[n]:
            pen.box(8, 32, 350, 58, _LIGHT)
            pen.text(14, 51, "NO FACE SEEN", _DARK)
        elif event:
            pen.box(8, 32, 350, 58, _EVENT)
            pen.text(14, 51, _EVENT_WORDS[event], _DARK)
        elif analysis.gaze.valid[n]:
            pen.text(14, 51, "eyes open", _LIGHT)
        elif analysis.gaze.eyes_open[n]:
            pen.text(14, 51, "eyes open, head out of place", _LIGHT)
        else:
            pen.text(14, 51, "eyes closing or opening", _LIGHT)

    def _draw_ear(self, pen: "_Pen", n: int) -> None:
        left, right, top, bottom = 10, 340, 66, 80
        ear = float(self._analysis.traces.ear[n])
        # Without a face, the frame has no threshold either.
        baseline = float(self._analysis.events.baseline[n]) if np.isfinite(ear) else np.nan
        closes = self._analysis.parameters.close_ratio * baseline
        pen.frame(left, top, right, bottom, _DIM)
        if np.isfinite(ear):
            end = left + min(max(ear, 0.0) / EAR_BAR_END, 1.0) * (right - left)
            pen.box(left, top, end, bottom, _LIGHT)
        if np.isfinite(closes):
            at = left + min(closes / EAR_BAR_END, 1.0) * (right - left)
            pen.line(at, top - 5, at, bottom + 5, _DARK, 5)
            pen.line(at, top - 5, at, bottom + 5, _EVENT, 2)
        opening = f"{ear:.3f}" if np.isfinite(ear) else "-"
        threshold = f"   shut below {closes:.3f}" if np.isfinite(closes) else ""
        pen.text(10, 101, f"EAR {opening}{threshold}", _LIGHT)

    def _draw_gaze(self, pen: "_Pen", n: int) -> None:
        offset = float(self._analysis.gaze.vertical[n])
        counts = bool(self._counted[n])
        words = f"{offset:+.3f}" if np.isfinite(offset) else "-"
        pen.text(10, 123, f"vertical gaze {words}", _LIGHT)
        range_ = self._analysis.measures.vertical_peak_to_peak
        shown = round_range(range_, self._analysis.parameters.vpp_thresh)
        pen.text(
            10,
            142,
            ("counted" if counts else "not counted")
            + (f"; range of all {shown:.3f}" if np.isfinite(range_) else ""),
            _LIGHT,
        )
        centre_x, top, bottom = 430, 22, 130
        pen.text(centre_x - 11, 16, "up", _LIGHT)
        pen.text(centre_x - 24, 146, "down", _LIGHT)
        pen.line(centre_x, top, centre_x, bottom, _DIM, 2)
        if not np.isfinite(self._median):
            return

        def height(value: float) -> float:
            share = (value - self._median) / GAUGE_REACH
            return (top + bottom) / 2 + min(max(share, -1.0), 1.0) * (bottom - top) / 2

        middle = height(self._median)
        pen.line(centre_x - 6, middle, centre_x + 6, middle, _DIM, 2)
        # The range lies between these ends, its percentiles over the frames that count.
        for end in self._ends:
            at = height(end)
            pen.line(centre_x - 16, at, centre_x + 16, at, _LIGHT, 1)
        if np.isfinite(offset):
            at = height(offset)
            arrow = ((centre_x - 3, at), (centre_x - 20, at - 7), (centre_x - 20, at + 7))
            pen.polygon(arrow, _IRIS, filled=counts)


class _Pen:
    """Draws shapes and text into the panel below the picture.

    Its methods take coordinates for a panel `PANEL_WIDTH_PX` wide. `_Pen` enlarges them by the
    layout's `unit`.
    """

    def __init__(self, panel: Image, layout: Layout) -> None:
        self._unit = layout.unit
        # In a wide panel, the drawing is in the middle.
        margin = max(0, layout.width - round(PANEL_WIDTH_PX * layout.unit)) // 2
        self._panel: Any = panel[:, margin:]

    def text(self, x: float, y: float, words: str, colour: tuple[int, int, int]) -> None:
        cv2.putText(
            self._panel,
            words,
            self._at(x, y),
            cv2.FONT_HERSHEY_SIMPLEX,
            0.55 * self._unit,
            colour,
            max(1, round(1.2 * self._unit)),
            cv2.LINE_AA,
        )

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(self._panel, self._at(x0, y0), self._at(x1, y1), colour, cv2.FILLED)

    def frame(
        self, x0: float, y0: float, x1: float, y1: float, colour: tuple[int, int, int]
    ) -> None:
        cv2.rectangle(self._panel, self._at(x0, y0), self._at(x1, y1), colour, 1)

    def line(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        colour: tuple[int, int, int],
        width: float,
    ) -> None:
        thickness = max(1, round(width * self._unit))
        cv2.line(self._panel, self._at(x0, y0), self._at(x1, y1), colour, thickness)

    def polygon(
        self, corners: tuple[tuple[float, float], ...], colour: tuple[int, int, int], filled: bool
    ) -> None:
        points = np.array([self._at(x, y) for x, y in corners], np.int32)
        if filled:
            cv2.fillPoly(self._panel, [points], colour, cv2.LINE_AA)
        else:
            cv2.polylines(self._panel, [points], True, colour, round(self._unit), cv2.LINE_AA)

    def _at(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._unit), round(y * self._unit)


def eye_boxes(landmarks: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return the box around each eye that a copy with `blur_face` shows.

    Parameters
    ----------
    landmarks : ndarray, shape (K, 2), float32
        Landmarks of one frame with a face, in pixels.

    Returns
    -------
    list of ndarray, shape (4, 2), float64
        Corners of the left and of the right eye's box in pixels, in order around it. The box is as
        tilted as the eye. It holds the lids but not the brows; see `tracker.face.quality`.
    """
    boxes = []
    for columns in EYE_COLUMNS:
        first, second = landmarks[columns[:2]].astype(np.float64)
        along = EYE_BOX_U * (second - first)
        across = EYE_BOX_V * np.array([first[1] - second[1], second[0] - first[0]])
        middle = (first + second) / 2
        boxes.append(
            middle + np.array([along + across, along - across, -along - across, across - along])
        )
    return boxes


def _show_inside(area: Image, picture: Image, corners: NDArray[np.float64]) -> None:
    """Copy a convex polygon, `corners` (K, 2), (x, y) px in order, from `picture` to `area`."""
    height, width = area.shape[:2]
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(mask, _fixed(corners - (left, top)), (255,), shift=_SUBPIXEL_BITS)
    box = slice(top, bottom), slice(left, right)
    area[box][mask > 0] = picture[box][mask > 0]


def _fixed(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return points (..., 2) in 1/16 pixels as OpenCV takes them: a pixel's centre is 0, not .5."""
    # Points far outside of the picture would overflow; OpenCV itself clips at 2^15 pixels.
    limited = np.clip(points, -(2.0**14), 2.0**14)
    fixed: NDArray[np.int32] = np.round((limited - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
    return fixed


def _polygon(
    area: Image, points: NDArray[np.float64], colour: tuple[int, int, int], thickness: int
) -> None:
    cv2.polylines(
        area, [_fixed(points)], True, colour, thickness, cv2.LINE_AA, shift=_SUBPIXEL_BITS
    )


def _circle(
    area: Image,
    centre: NDArray[np.float64],
    radius: float,
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    x, y = _fixed(centre).tolist()
    fine_radius = round(min(radius, 2.0**14) * 2**_SUBPIXEL_BITS)
    cv2.circle(area, (x, y), fine_radius, colour, thickness, cv2.LINE_AA, shift=_SUBPIXEL_BITS)
