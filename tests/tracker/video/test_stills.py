"""Still images: orientation, transparency, and what is refused."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.tracker.video.test_frames import HEIGHT, WIDTH, draw_index
from tracker.video.container import ImageOpenError, InputNotFoundError
from tracker.video.stills import read_image


class TestReadImage:
    def test_exif_orientation_is_applied(self, tmp_path: Path) -> None:
        encoded = cv2.imencode(".jpg", draw_index(1))[1].tobytes()
        # An EXIF segment that says: turn by 90 degrees clockwise to view (orientation 6).
        tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
        body = b"Exif\x00\x00" + tiff + bytes(4)
        segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        path = tmp_path / "turned.jpg"
        path.write_bytes(encoded[:2] + segment + encoded[2:])
        assert read_image(path).shape == (WIDTH, HEIGHT, 3)

    def test_transparency_is_dropped(self, tmp_path: Path) -> None:
        path = tmp_path / "alpha.png"
        cv2.imwrite(str(path), np.full((40, 50, 4), (1, 2, 3, 0), dtype=np.uint8))
        assert read_image(path).shape == (40, 50, 3)

    @pytest.mark.parametrize(
        ("content", "remedy"),
        [
            (b"", "Use JPEG"),
            (b"text", "Use JPEG"),
            (b"\xff\xd8\xff" + bytes(100), "damaged"),
            (b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged"),
            (b"\x00\x00\x00\x20ftypisom" + bytes(100), "eye-tracker analyze"),
            (b"\x00\x00\x00\x20ftypheic" + bytes(100), "Export it as JPEG"),
        ],
    )
    def test_what_is_no_image_is_refused(self, tmp_path: Path, content: bytes, remedy: str) -> None:
        path = tmp_path / "picture"
        path.write_bytes(content)
        with pytest.raises(ImageOpenError, match=remedy):
            read_image(path)

    def test_a_header_that_claims_gigapixels_is_refused(self, tmp_path: Path) -> None:
        encoded = bytearray(cv2.imencode(".png", draw_index(1))[1].tobytes())
        encoded[16:24] = struct.pack(">II", 30_000, 30_000)
        encoded[29:33] = struct.pack(">I", zlib.crc32(encoded[12:29]))
        path = tmp_path / "bomb.png"
        path.write_bytes(encoded)
        # In a process of its own: OpenCV reads its limit once, and this one has loaded it before.
        result = subprocess.run(
            [sys.executable, "-m", "tracker", "image", str(path)], capture_output=True, text=True
        )
        assert result.returncode == 3
        assert result.stdout == ""
        assert "Export it smaller" in result.stderr

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(InputNotFoundError, match="Check the path"):
            read_image(tmp_path / "none.jpg")
