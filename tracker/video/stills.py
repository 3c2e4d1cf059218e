"""Read still images from files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tracker.video.boxes import read_picture_turns
from tracker.video.container import (
    MIN_SIDE_PX,
    ImageKindError,
    ImageOpenError,
    image_brand,
    is_image,
    is_video,
    read_head,
)
from tracker.video.frames import Image
from tracker.video.limits import MAX_STILL_PIXELS
from tracker.video.quiet import quiet_stderr

MAX_IMAGE_BYTES = 64 * 2**20
"""Size of the largest image file that is read."""


def read_image(path: Path) -> Image:
    """Read a still image; turn and mirror it as its file says, and drop transparency.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        Blue, green and red, also of a grey image.

    Raises
    ------
    InputNotFoundError
        The file is missing or unreadable.
    ImageOpenError
        The file is not a JPEG, HEIC, AVIF, PNG, WebP, BMP or TIFF image, is damaged, too large
        (`MAX_IMAGE_BYTES`, `MAX_STILL_PIXELS`) or too small (`MIN_SIDE_PX`). If this machine has no
        decoder for HEIC, it is an `ImageKindError`.
    """
    head = read_head(path)
    if not is_image(head):
        if is_video(head):
            raise ImageOpenError(f"{path.name}: this is a video: use `eye-tracker analyze`.")
        raise ImageOpenError(
            f"{path.name}: not an image that can be read. Use JPEG, HEIC, AVIF, PNG, WebP, BMP or "
            "TIFF."
        )
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise ImageOpenError(f"{path.name}: over {MAX_IMAGE_BYTES >> 20} MB. Export it smaller.")
    content, brand = path.read_bytes(), image_brand(head)
    with quiet_stderr():
        image = _read_heic(content, path.name) if brand == "heic" else _decode(content, path.name)
    if image is None and brand == "heic":
        raise ImageOpenError(
            f"{path.name}: cannot be decoded. Copy it from the phone again. Export it as JPEG if "
            "that does not help."
        )
    if image is None:
        raise ImageOpenError(f"{path.name}: damaged. Copy it from the phone again.")
    if brand == "avif":
        image = _turn(image, content)
    if min(image.shape[:2]) < MIN_SIDE_PX:
        raise ImageOpenError(f"{path.name}: under {MIN_SIDE_PX} pixels a side. Use a larger one.")
    return image


def _decode(content: bytes, name: str) -> Image | None:
    try:
        image: Any = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageOpenError(_too_large(name)) from error
    return image  # type: ignore[no-any-return]


def _read_heic(content: bytes, name: str) -> Image | None:
    """Decode the content of a HEIC file, turned upright by libheif; None if it is damaged.

    The picture is blue-green-red, shape (height, width, 3). `name` is the file's name for errors.
    Raises `ImageKindError` without a decoder, `ImageOpenError` for a picture that is too large.
    """
    try:
        # Only pi-heif's library, for the rest of it needs Pillow.
        import _pi_heif
    except ImportError as error:
        raise ImageKindError(
            f"{name}: HEIC pictures cannot be read on this machine. Export it as JPEG."
        ) from error
    try:
        # One thread; values of 8 bits; blue, green and red; rows without padding; no HDR of 16
        # bits; any decoder; libheif's own limits hold.
        found = _pi_heif.load_file(content, 1, True, True, True, False, "", False)
        pictures = [one for one in found if one is not None]
        picture = next((one for one in pictures if one.primary), pictures[0])
        (width, height), _ = picture.size_mode
        if width * height > MAX_STILL_PIXELS:
            raise ImageOpenError(_too_large(name))
        pixels = np.frombuffer(picture.data, np.uint8)
        # The decoded picture may differ in size from the one that was declared.
        (width, height), _ = picture.size_mode
        pixels = pixels.reshape(height, width, -1)
    except (RuntimeError, ValueError, IndexError, EOFError, SyntaxError, MemoryError):
        return None
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])


def _turn(image: Image, content: bytes) -> Image:
    turned = image
    for kind, number in read_picture_turns(content):
        if kind == b"irot":
            turned = np.rot90(turned, number)
        else:
            turned = turned[:, ::-1] if number else turned[::-1]
    return np.ascontiguousarray(turned)


def _too_large(name: str) -> str:
    return f"{name}: over {MAX_STILL_PIXELS // 10**6} megapixels. Export it smaller."
