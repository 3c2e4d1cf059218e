"""Still images: orientation, transparency, and what is refused."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.containers import MATRICES, store_for
from tests.heif import write_heif
from tests.tracker.video.test_frames import HEIGHT, WIDTH, draw_index
from tracker.video.container import ImageKindError, ImageOpenError, InputNotFoundError
from tracker.video.stills import read_image

EXIF_ORDER = (
    "upright", "flipped", "upside down", "upside down flipped",
    "clockwise flipped", "clockwise", "anticlockwise flipped", "anticlockwise",
)  # fmt: skip
"""How EXIF's orientations 1 to 8 must be turned to be shown."""


class TestReadImage:
    @pytest.mark.parametrize(("orientation", "name"), list(enumerate(EXIF_ORDER, 1)))
    def test_exif_orientation_is_applied(self, tmp_path: Path, orientation: int, name: str) -> None:
        """What is stored is computed from the definition of each turn."""
        shown = draw_index(1)
        shown[: HEIGHT // 2, : WIDTH // 2] = (0, 0, 255)
        stored = store_for(shown, MATRICES[name])
        encoded = cv2.imencode(".jpg", stored, (cv2.IMWRITE_JPEG_QUALITY, 100))[1].tobytes()
        tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01"
        body = b"Exif\x00\x00" + tiff + struct.pack(">HH", orientation, 0) + bytes(4)
        segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        path = tmp_path / "turned.jpg"
        path.write_bytes(encoded[:2] + segment + encoded[2:])
        image = read_image(path)
        assert image.shape == shown.shape
        assert np.abs(image.astype(int) - shown).mean() < 8

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

    @pytest.mark.parametrize("brand", ["heic", "avif"])
    @pytest.mark.parametrize("bits", [8, 10])
    @pytest.mark.parametrize(("turns", "mirror"), [(0, None), (1, None), (3, 0), (2, 1)])
    def test_pictures_of_phones_are_read_as_they_are_shown(
        self, tmp_path: Path, brand: str, bits: int, turns: int, mirror: int | None
    ) -> None:
        colours = np.random.default_rng(2).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = cv2.resize(colours, (256, 192), interpolation=cv2.INTER_CUBIC)
        path = write_heif(tmp_path / f"a.{brand}", image, brand, bits, turns, mirror)
        expected = np.rot90(image, turns)
        if mirror is not None:
            expected = expected[:, ::-1] if mirror else expected[::-1]
        shown = read_image(path)
        assert shown.dtype == np.uint8
        assert shown.shape == expected.shape
        assert np.abs(shown.astype(int) - expected).mean() < 3

    @pytest.mark.parametrize("brand", ["heic", "avif"])
    def test_damaged_pictures_of_phones_are_refused(self, tmp_path: Path, brand: str) -> None:
        path = write_heif(tmp_path / f"a.{brand}", draw_index(5), brand)
        content = path.read_bytes()
        for end in (60, len(content) // 2, len(content) - 200):
            path.write_bytes(content[:end])
            with pytest.raises(ImageOpenError, match="from the phone again"):
                read_image(path)

    def test_a_heic_picture_that_claims_gigapixels_is_refused(self, tmp_path: Path) -> None:
        path = write_heif(tmp_path / "a.heic", draw_index(5))
        content = bytearray(path.read_bytes())
        size = content.index(b"ispe") + 8
        content[size : size + 8] = struct.pack(">II", 30_000, 30_000)
        path.write_bytes(content)
        with pytest.raises(ImageOpenError, match=r"Export it"):
            read_image(path)

    def test_without_its_decoder_a_heic_picture_says_what_to_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write_heif(tmp_path / "a.heic", draw_index(5))
        monkeypatch.setitem(sys.modules, "_pi_heif", None)
        with pytest.raises(ImageKindError, match="Export it as JPEG"):
            read_image(path)

    def test_no_library_prints_what_it_thinks_of_a_picture(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        encoded = cv2.imencode(".png", draw_index(1))[1].tobytes()
        chunk = b"gAMA\0\0"
        odd = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
        jpeg = cv2.imencode(".jpg", draw_index(1))[1].tobytes()
        for name, content in (
            ("odd.png", encoded[:33] + odd + encoded[33:]),
            ("odd.jpg", jpeg[:-2] + bytes(9) + jpeg[-2:]),
        ):
            path = tmp_path / name
            path.write_bytes(content)
            assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) is not None
            assert "warning" in (noise := capfd.readouterr().err) or "Corrupt" in noise
            assert read_image(path).shape == (HEIGHT, WIDTH, 3)
            assert capfd.readouterr().err == ""

    def test_a_program_without_standard_error_reads_pictures(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        cv2.imwrite(str(path), draw_index(1))
        script = (
            "import os, sys; os.close(2)\n"
            "from pathlib import Path; from tracker.video.stills import read_image\n"
            "print(read_image(Path(sys.argv[1])).shape)"
        )
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True)
        assert done.stdout.decode().strip() == str((HEIGHT, WIDTH, 3))

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(InputNotFoundError, match="Check the path"):
            read_image(tmp_path / "none.jpg")
