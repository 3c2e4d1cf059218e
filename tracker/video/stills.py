"""Still images, read from files."""

from pathlib import Path

import cv2
import numpy as np

from tracker.video.container import MIN_SIDE_PX, ImageOpenError, is_image, is_video, read_head
from tracker.video.frames import Image
from tracker.video.limits import MAX_STILL_PIXELS

MAX_IMAGE_BYTES = 64 * 2**20
"""Size of the largest image file that is read."""


def read_image(path: Path) -> Image:
    """Read a still image; apply its EXIF orientation and drop transparency.

    Raises
    ------
    InputNotFoundError
        The file is missing or unreadable.
    ImageOpenError
        The file is not a JPEG, PNG, WebP, BMP or TIFF image, is damaged, too large or too small.
    """
    head = read_head(path)
    if not is_image(head):
        if is_video(head):
            raise ImageOpenError(f"{path.name}: this is a video: use `eye-tracker analyze`.")
        raise ImageOpenError(
            f"{path.name}: not an image that can be read. Use JPEG, PNG, WebP, BMP or TIFF."
        )
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise ImageOpenError(f"{path.name}: over {MAX_IMAGE_BYTES >> 20} MB. Export it smaller.")
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageOpenError(
            f"{path.name}: over {MAX_STILL_PIXELS // 10**6} megapixels. Export it smaller."
        ) from error
    if image is None and head[4:8] == b"ftyp":
        raise ImageOpenError(f"{path.name}: HEIC pictures cannot be read. Export it as JPEG.")
    if image is None:
        raise ImageOpenError(f"{path.name}: damaged. Copy it from the phone again.")
    if min(image.shape[:2]) < MIN_SIDE_PX:
        raise ImageOpenError(f"{path.name}: under {MIN_SIDE_PX} pixels a side. Use a larger one.")
    return image  # type: ignore[return-value]
