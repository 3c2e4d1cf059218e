"""Read a decoded frame: its stored colour planes, or parts of it converted to colour pixels.

FFmpeg's library swscale converts the pixels."""

import ctypes as c
import functools
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.video.hdr import Light
from tracker.video.libav import AvFrame, FFmpegError, load_libraries
from tracker.video.orientation import Placement, is_transposed, map_points

if TYPE_CHECKING:
    from kernels.sampling import Planes

BLOCK_PX = 64
"""Parts are converted in whole blocks of columns.

The vectors of swscale hold up to 32 pixels, and it computes the rest of a row in another way.
"""

MAX_KNOWN_PLANES = 128
"""Frames in memory whose planes are kept described: a decoder holds up to 30 at a time."""
_PART_FORMATS = (b"yuv420p", b"yuvj420p")
"""Pixel formats that swscale converts without looking at neighbouring pixels.

They are all that phones record, except 10-bit video.
"""
_PLANAR_FORMATS = {
    name.format(subsampling).encode(): (*shifts, bits, full_range)
    for name, full_range, bits in (
        ("yuv{}p", False, 8), ("yuvj{}p", True, 8),
        ("yuv{}p10", False, 10), ("yuv{}p12", False, 12),
    )
    for subsampling, shifts in (("420", (1, 1)), ("422", (1, 0)), ("444", (0, 0)))
}  # fmt: skip
"""Pixel formats of three planes: shifts of the colour planes, bits, and whether of full range."""
_BICUBIC = 4
_FULL_RANGE = 2
_DEFAULT_MATRIX = 5
_UNSPECIFIED = 2
_INTERLACED = 1 << 3
_MARGIN_PX = 2
"""Stored pixels around a part that is stretched, for the interpolation."""
_NO_PIXELS: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)


class LazyImage:
    """A decoded frame. Each part is converted to colour pixels only when it is used.

    Slice it like an array: ``image[top:bottom, left:right]`` is that part of the shown picture in
    blue, green and red, 0 to 255. Both slices are needed, and a step is ignored. Do not write to
    the returned array. `numpy.asarray` gives the whole frame. A part that lies inside the last
    converted part is not converted again.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the shown picture (see `tracker.video.orientation`), and 3.
    to_stored : ndarray, shape (2, 3), float64
        Affine transform of a point (x, y, 1) in the shown picture to its point in the stored
        `planes`, in pixels; the centre of the first pixel is (0, 0).
    light : Light
        How the stored values stand for light: HDR or ordinary. Parts that are sliced are converted
        to what an ordinary screen shows; `planes` are as stored.
    """

    def __init__(self, frame: Any, converter: "Converter", light: Light) -> None:
        self._frame = frame
        self._converter = converter
        self.light = light
        self.shape = converter.shape
        self.to_stored = converter.to_stored
        self._box = (0, 0, 0, 0)
        self._pixels = _NO_PIXELS

    def __getitem__(self, part: tuple[slice, slice]) -> NDArray[np.uint8]:
        height, width = self.shape[:2]
        top, bottom, _ = part[0].indices(height)
        left, right, _ = part[1].indices(width)
        frame = self._held_frame()
        above, below, before, after = self._box
        if not (above <= top and bottom <= below and before <= left and right <= after):
            by_parts = self._converter.converts_parts(frame)
            self._box = (top, bottom, left, right) if by_parts else (0, height, 0, width)
            self._pixels = self._converter.convert(frame, *self._box)
            above, _, before, _ = self._box
        pixels = self._pixels[top - above : bottom - above, left - before : right - before]
        return pixels if self.light.usual else self.light.show_pixels(pixels)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.uint8]:
        return self[:, :]

    def planes(self) -> "Planes | None":
        """Return the stored planes of brightness and colour (YUV); None for other pixel formats.

        They are neither turned upright nor converted: see `kernels.sampling.Planes`. The arrays are
        the decoder's own memory. Do not write to them, and do not use them after `release`.
        """
        return self._converter.planes(self._held_frame())

    def _held_frame(self) -> AvFrame:
        if self._frame is None:
            raise ValueError("the frame was released when the next one was requested")
        held: AvFrame = self._frame.contents
        return held

    def release(self) -> None:
        """Free the frame's memory. The frame cannot be used after this; sliced parts can."""
        self._pixels = _NO_PIXELS
        if self._frame is not None:
            frame, self._frame = self._frame, None
            load_libraries()["avutil"].av_frame_free(c.byref(frame))

    def __del__(self) -> None:
        self.release()


def _view_plane(address: int, size_bytes: int, kind: type) -> NDArray[Any]:
    return np.frombuffer(_memory_type(size_bytes).from_address(address), kind)


@functools.lru_cache(maxsize=64)
def _memory_type(size_bytes: int) -> Any:
    # Without the cache, each frame would make a new class, which the garbage collector must find.
    return c.c_uint8 * size_bytes


def _turn(
    part: NDArray[np.uint8], transposed: bool, right: float, down: float
) -> NDArray[np.uint8]:
    """Transpose and flip a part of the stored picture, so that it is as shown.

    If `transposed`, rows become columns, first. Then left and right are exchanged if `right` is
    negative, and top and bottom if `down` is. `part` has shape (height, width, 3).
    """
    turned: Any = cv2.transpose(part) if transposed else part
    if right < 0 or down < 0:
        turned = cv2.flip(turned, -1 if right < 0 and down < 0 else 1 if right < 0 else 0)
    return turned  # type: ignore[no-any-return]


class Converter:
    """Converts parts of decoded frames to upright pictures in blue, green and red.

    All frames must have the stored size of the `Placement` it is made with. One converter
    serves many frames, because FFmpeg's library for pixels, swscale, takes time to prepare.
    """

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._width, self._height = placement.width, placement.height
        self.shape = (placement.shown_height, placement.shown_width, 3)
        library = load_libraries()["avutil"]
        self._bgr = library.av_get_pix_fmt(b"bgr24")
        self._part_formats = {library.av_get_pix_fmt(name) for name in _PART_FORMATS}
        self._planar_formats = {
            library.av_get_pix_fmt(name): layout for name, layout in _PLANAR_FORMATS.items()
        }
        self.to_stored = placement.to_stored
        self._whole_context = load_libraries()["swscale"].sws_alloc_context()
        self._contexts: dict[tuple[int, int, int, int], int] = {}
        self._planes: dict[tuple[int, ...], Planes] = {}

    def fits(self, frame: AvFrame) -> bool:
        """Return whether this converter can convert a frame: by its size and its pixel format.

        Call this for each frame before any other method, because it also prepares it. Properties of
        the frame that swscale cannot handle, such as some colour matrices, are overwritten in the
        frame itself.
        """
        if (frame.width, frame.height) != (self._width, self._height) or not frame.planes[0]:
            return False
        # Convert both fields as one image; otherwise swscale does not interleave them.
        frame.flags &= ~_INTERLACED
        # These two never change a pixel, because the result declares none of its own. Some values
        # (primaries 18) make swscale jump through a null pointer.
        frame.primaries = frame.transfer = _UNSPECIFIED
        convertible = load_libraries()["swscale"].sws_test_frame
        if convertible(c.byref(frame), 0):
            return True
        # swscale does not know some colour matrices, such as those of HDR. An approximate colour is
        # good enough to find a face.
        frame.matrix = _UNSPECIFIED
        return bool(convertible(c.byref(frame), 0))

    def converts_parts(self, frame: AvFrame) -> bool:
        """Return whether a part of the frame can be converted without converting the rest."""
        return (
            frame.format in self._part_formats
            and self._height % 2 == 0
            and min(frame.strides[:3]) > 0
            and all(frame.planes[:3])
        )

    def planes(self, frame: AvFrame) -> "Planes | None":
        """Return the frame's stored planes of brightness and colour (YUV), without a copy.

        None if it is not stored in three such planes of 8, 10 or 12 bits, from the top row down.
        The arrays are the decoder's own memory, valid as long as the frame is.
        """
        addresses, strides = frame.planes[:3], frame.strides[:3]
        key = (*addresses, *strides, frame.format, frame.matrix, frame.range)
        # The decoder uses the memory of earlier frames again. An object that only says where the
        # planes lie is then made already.
        known = self._planes.get(key)
        if known is not None:
            return known
        layout = self._planar_formats.get(frame.format)
        if layout is None or min(strides) <= 0 or strides[1] != strides[2]:
            return None
        shift_x, shift_y, bits, full_range = layout
        kind, size = (np.uint8, 1) if bits == 8 else (np.uint16, 2)
        columns, rows = -(-self._width >> shift_x), -(-self._height >> shift_y)
        luma, blue, red = (
            _view_plane(address, stride * (height - 1) + width * size, kind)
            for address, stride, width, height in zip(
                addresses, strides, (self._width, columns, columns),
                (self._height, rows, rows), strict=True,
            )
        )  # fmt: skip
        # Imported here: a program that only asks how long a video is needs no kernels.
        from kernels.sampling import Planes

        if len(self._planes) >= MAX_KNOWN_PLANES:
            self._planes.clear()
        self._planes[key] = Planes(
            luma, blue, red, strides[0] // size, strides[1] // size, self._width, self._height,
            shift_x, shift_y, bits, frame.matrix, full_range or frame.range == _FULL_RANGE,
        )  # fmt: skip
        return self._planes[key]

    def convert(
        self, frame: AvFrame, top: int, bottom: int, left: int, right: int
    ) -> NDArray[np.uint8]:
        """Return a part of the frame as shown: upright, square pixels, blue-green-red.

        `top` and `left` are the part's first row and column in the shown picture, `bottom` and
        `right` the ones after its last. The result has shape (bottom - top, right - left, 3), 0 to
        255. Beside a stored picture that does not fill the shown one, its outermost pixels are
        repeated; a part that lies wholly beside it is black.
        """
        if bottom <= top or right <= left:
            return np.empty((max(0, bottom - top), max(0, right - left), 3), np.uint8)
        linear = self.to_stored[:, :2]
        if self._placement.whole_pixels:
            corners = map_points(self.to_stored, (left, right - 1), (top, bottom - 1))
            (first_x, last_x), (first_y, last_y) = np.sort(corners).astype(int).tolist()
            part = self._convert_stored(frame, first_y, last_y + 1, first_x, last_x + 1)
            return _turn(part, is_transposed(self._placement.turn), *linear.sum(axis=0).tolist())
        corners = map_points(self.to_stored, (left, right, left, right), (top, top, bottom, bottom))
        low = np.floor(corners.min(axis=1)).astype(int) - _MARGIN_PX
        high = np.ceil(corners.max(axis=1)).astype(int) + _MARGIN_PX + 1
        size = (self._width, self._height)
        first_x, first_y = np.clip(low, 0, size).tolist()
        end_x, end_y = np.clip(high, 0, size).tolist()
        shown = np.zeros((bottom - top, right - left, 3), np.uint8)
        if first_x >= end_x or first_y >= end_y:
            # The part lies beside the stored picture, which does not fill the shown one.
            return shown
        part = self._convert_stored(frame, first_y, end_y, first_x, end_x)
        offset = map_points(self.to_stored, left, top)[:, 0] - (first_x, first_y)
        cv2.warpAffine(
            part, np.column_stack((linear, offset)), (right - left, bottom - top), shown,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return shown

    def _convert_stored(
        self, frame: AvFrame, top: int, bottom: int, left: int, right: int
    ) -> NDArray[np.uint8]:
        if not self.converts_parts(frame):
            return self._convert_whole(frame)[top:bottom, left:right]
        first_row, last_row = top // 2 * 2, (bottom + 1) // 2 * 2
        first = left // BLOCK_PX * BLOCK_PX
        # The padding of a row belongs to the frame's memory, so it may be read.
        last = min(-(-right // BLOCK_PX) * BLOCK_PX, frame.strides[0], 2 * frame.strides[1])
        width, rows = last - first, last_row - first_row
        pixels = np.empty((rows, -(-width // BLOCK_PX) * BLOCK_PX, 3), np.uint8)
        strides = (c.c_int * 4)(*frame.strides[:4])
        planes = (c.c_void_p * 4)(
            frame.planes[0] + first_row * strides[0] + first,
            frame.planes[1] + first_row // 2 * strides[1] + first // 2,
            frame.planes[2] + first_row // 2 * strides[2] + first // 2,
        )
        converted = load_libraries()["swscale"].sws_scale(
            self._context(frame, width),
            planes,
            strides,
            0,
            rows,
            (c.c_void_p * 4)(pixels.ctypes.data),
            (c.c_int * 4)(pixels.strides[0]),
        )
        if converted != rows:
            raise FFmpegError(f"swscale converted {converted} of {rows} rows")
        return pixels[top - first_row : bottom - first_row, left - first : right - first]

    def _convert_whole(self, frame: AvFrame) -> NDArray[np.uint8]:
        """Return the whole frame as stored, not upright: blue-green-red, (height, width, 3).

        It is for pixel formats of which swscale cannot convert a part alone.
        """
        libraries = load_libraries()
        context = c.c_void_p(self._whole_context)
        result = libraries["avutil"].av_frame_alloc()
        try:
            bgr = result.contents
            bgr.format, bgr.width, bgr.height = self._bgr, self._width, self._height
            if libraries["swscale"].sws_scale_frame(context, result, c.byref(frame)) < 0:
                raise FFmpegError("the frame's pixels are in a form that cannot be converted")
            rows = (c.c_uint8 * (bgr.strides[0] * self._height)).from_address(bgr.planes[0])
            stored = np.frombuffer(rows, np.uint8).reshape(self._height, bgr.strides[0])
            return stored[:, : 3 * self._width].reshape(self._height, self._width, 3).copy()
        finally:
            libraries["avutil"].av_frame_free(c.byref(result))

    def _context(self, frame: AvFrame, width: int) -> int:
        key = (frame.format, frame.matrix, frame.range, width)
        if key not in self._contexts:
            library = load_libraries()["swscale"]
            context = library.sws_getContext(
                width, self._height, frame.format, width, self._height, self._bgr, _BICUBIC,
                None, None, None,
            )  # fmt: skip
            if not context:
                raise FFmpegError("the frame's pixels are in a form that cannot be converted")
            # Brightness 0, contrast and saturation 1.
            library.sws_setColorspaceDetails(
                context,
                library.sws_getCoefficients(frame.matrix),
                frame.range == _FULL_RANGE,
                library.sws_getCoefficients(_DEFAULT_MATRIX),
                True,
                0,
                1 << 16,
                1 << 16,
            )
            self._contexts[key] = context
        return self._contexts[key]

    def __del__(self) -> None:
        for context in (*self._contexts.values(), self._whole_context):
            load_libraries()["swscale"].sws_freeContext(context)
