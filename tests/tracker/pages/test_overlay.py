"""The annotated copy: whose frames and times it holds, what is drawn, and what must not be seen."""

import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.browsing import is_true
from tests.made_tracks import COLUMN, blink, make_landmarks, make_track
from tracker.cli.main import main
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import ClipSpec, LidClosure
from tracker.lab.synthetic import write_clip
from tracker.measures.analysis import Analysis, analyze_track
from tracker.pages.overlay import BLANK_GREY, Layout, eye_boxes, write_overlay
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol
from tracker.video.container import InputError
from tracker.video.frames import Video, VideoInfo

WIDTH, HEIGHT, BITS = 640, 480, 8
CLOCK = Fraction(1, 90_000)
PRIVATE = ("+37.5665+126.9780/", "KIM MINJI")
COUNT = 45
UNSEEN = slice(30, 36)
VFR_S = 3.5 + np.cumsum(np.random.default_rng(7).uniform(0.011, 0.2, COUNT))
"""At a variable rate, and from a time other than zero."""
TURNED = VideoInfo(HEIGHT, WIDTH, 15, COUNT)
YELLOW = np.array([0, 255, 255])


def draw(index: int) -> np.ndarray:
    """Fill a picture with detail of its own, and its foot with its index in binary."""
    coarse = np.random.default_rng(index).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    image: np.ndarray = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    bits = [(index >> bit) & 1 for bit in range(BITS)]
    image[-32:] = np.repeat(np.array(bits, np.uint8) * 255, WIDTH // BITS)[None, :, None]
    return image


def read_index(picture: np.ndarray) -> int:
    levels = picture[-16, WIDTH // BITS // 2 :: WIDTH // BITS, 0]
    return int(sum((int(level) > 127) << bit for bit, level in enumerate(levels)))


def write_source(path: Path, pts_s: np.ndarray, **options: str) -> Path:
    """Write a clip with sound, a title and a place."""
    with av.open(path, "w") as container:
        container.metadata.update({"location": PRIVATE[0], "title": PRIVATE[1]})
        stream: Any = container.add_stream(
            "libx264", options={"preset": "ultrafast", "crf": "12", "bf": "2"} | options
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = stream.time_base = CLOCK
        audio: Any = container.add_stream("aac", rate=48_000, layout="mono")
        for index, time_s in enumerate(pts_s):
            frame = av.VideoFrame.from_ndarray(draw(index), format="bgr24")
            frame.pts, frame.time_base = round(time_s / CLOCK), CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for index in range(10):
            sound = np.sin(np.arange(1024, dtype=np.float32) / 10)[None]
            samples = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
            samples.sample_rate, samples.pts = 48_000, 1024 * index
            container.mux(audio.encode(samples))
        container.mux(audio.encode())
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_source(tmp_path_factory.mktemp("source") / "clip.mp4", VFR_S)


def analyze(
    frame_index: np.ndarray, times_s: np.ndarray, parameters: Parameters | None = None
) -> Analysis:
    """Analyse a made track of these frames: eyes that look about, blink once, and go unseen."""
    ear = np.full(COUNT, 0.3)
    blink(ear, 10, 4)
    landmarks = make_landmarks(ear, 0.05 * np.sin(np.arange(COUNT)))
    landmarks[UNSEEN] = np.nan
    whole = make_track(landmarks, video=VideoInfo(WIDTH, HEIGHT, 15, COUNT))
    track = replace(
        whole,
        frame_index=frame_index.astype(np.int64),
        times_s=times_s - times_s[0],
        landmarks=landmarks[frame_index],
    )
    return analyze_track(track, parameters or Parameters())


def read(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the pictures, without the panel, and the times of a copy."""
    with av.open(path) as container:
        frames = list(container.decode(video=0))
        images = [frame.to_ndarray(format="bgr24")[:HEIGHT] for frame in frames]
        return images, np.array([float(frame.pts * frame.time_base) for frame in frames])


def box_mask(landmarks: np.ndarray, margin_px: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for corners in eye_boxes(landmarks):
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255)
    if margin_px < 0:
        return cv2.erode(mask, np.ones((1 - 2 * margin_px,) * 2, np.uint8)) > 0
    return cv2.dilate(mask, np.ones((1 + 2 * margin_px,) * 2, np.uint8)) > 0


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyze(np.arange(COUNT), VFR_S)


@pytest.fixture(scope="module")
def copy(source: Path, analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the copy of the whole source, alone in its folder."""
    return write_overlay(tmp_path_factory.mktemp("copy"), "clip", source, analysis)


class TestWhatItHolds:
    @pytest.mark.parametrize(
        "chosen",
        [
            pytest.param(np.arange(COUNT), marks=pytest.mark.long),
            np.arange(0, COUNT, 3),
            np.arange(20),
        ],
    )
    def test_the_analysed_frames_at_their_own_times(
        self, source: Path, tmp_path: Path, chosen: np.ndarray
    ) -> None:
        seen: list[tuple[int, int]] = []
        path = write_overlay(
            tmp_path,
            "clip",
            source,
            analyze(chosen, VFR_S[chosen]),
            False,
            lambda *n: seen.append(n),
            decode_ahead=chosen.size < COUNT,
        )
        images, times_s = read(path)
        assert [read_index(image) for image in images] == chosen.tolist()
        np.testing.assert_allclose(times_s, VFR_S[chosen] - VFR_S[0], atol=1e-5)
        assert seen == [(n + 1, chosen.size) for n in range(chosen.size)]

    def test_a_browser_plays_it_and_nothing_of_the_source_goes_with_it(
        self, source: Path, copy: Path
    ) -> None:
        assert PRIVATE[1].encode() in source.read_bytes()
        with av.open(source) as container:
            assert len(container.streams.audio) == 1
        assert copy.name == "clip.overlay.mp4"
        assert list(copy.parent.iterdir()) == [copy]
        content = copy.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")
        assert not [word for word in PRIVATE if word.encode() in content]
        with av.open(copy) as container:
            (stream,) = container.streams
            assert container.metadata.keys() <= {
                "major_brand", "minor_version", "compatible_brands", "encoder",
            }  # fmt: skip
            assert stream.codec_context.name == "h264"
            assert stream.codec_context.pix_fmt == "yuv420p"
            assert (stream.width, stream.height) == (640, 630)
            assert stream.start_time == 0

    def test_chromium_plays_it(self, copy: Path, tmp_path: Path, plain_browser: Browser) -> None:
        shell = tmp_path / "shell.html"
        shell.write_text(f"<video src='{copy.as_uri()}' muted></video>")
        page = plain_browser.new_page()
        page.goto(shell.as_uri())
        begun_s = page.evaluate(
            """async () => {
              window.video = document.querySelector("video");
              await video.play();
              return video.currentTime;
            }"""
        )
        is_true(page, f"video.currentTime > {begun_s + 0.2} || video.error !== null")
        played = page.evaluate(
            "[video.readyState, video.videoWidth, video.videoHeight, video.duration, video.error]"
        )
        page.close()
        ready, width, height, duration_s, error = played
        assert error is None
        assert ready >= 2
        assert (width, height) == (640, 630)
        assert duration_s == pytest.approx(VFR_S[-1] - VFR_S[0], abs=0.3)

    def test_frames_after_damage_are_drawn_into_as_themselves(self, tmp_path: Path) -> None:
        times_s = np.arange(COUNT) / 15
        path = write_source(tmp_path / "clip.mp4", times_s, g="1", bf="0")
        with av.open(path) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            start, stop = packets[5].pos, packets[9].pos + packets[9].size
        content = bytearray(path.read_bytes())
        content[start:stop] = bytes(stop - start)
        path.write_bytes(content)
        chosen = np.array([*range(5), *range(10, COUNT)])
        images, copied_s = read(
            write_overlay(tmp_path, "clip", path, analyze(chosen, times_s[chosen]))
        )
        assert [read_index(image) for image in images] == chosen.tolist()
        np.testing.assert_allclose(copied_s, times_s[chosen], atol=1e-4)

    def test_a_rotated_video_is_upright(self, source: Path, tmp_path: Path) -> None:
        content = bytearray(source.read_bytes())
        # As phones write it when held upright, see tests/tracker/video/test_frames.py.
        matrix = content.index(b"tkhd") + 4 + 40
        content[matrix : matrix + 36] = struct.pack(
            ">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, HEIGHT << 16, 0, 1 << 30
        )
        path = tmp_path / "turned.mp4"
        path.write_bytes(content)
        chosen = np.arange(UNSEEN.start, UNSEEN.start + 3)
        turned = replace(analyze(chosen, VFR_S[chosen]).track.info, video=TURNED)
        track = replace(analyze(chosen, VFR_S[chosen]).track, info=turned)
        copy = write_overlay(tmp_path, "turned", path, analyze_track(track, Parameters()))
        with av.open(copy) as container:
            image = next(container.decode(video=0)).to_ndarray(format="bgr24")
        assert image.shape == (WIDTH + 150, HEIGHT, 3)
        with Video(path) as video:
            upright = next(iter(video.frames(UNSEEN.start, lambda n: n == UNSEEN.start))).image
        difference = np.abs(image[:WIDTH].astype(int) - upright)
        assert np.median(difference) < 12

    def test_a_video_that_changed_meanwhile_leaves_no_copy(
        self, source: Path, tmp_path: Path
    ) -> None:
        shorter = write_source(tmp_path / "clip.mp4", VFR_S[:9])
        (tmp_path / "clip.overlay.mp4").write_bytes(b"an earlier one, with the face")
        with pytest.raises(InputError, match="no longer the video"):
            write_overlay(tmp_path, "clip", shorter, analyze(np.arange(COUNT), VFR_S))
        assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


class TestWhatIsDrawn:
    def test_lids_and_irises_are_where_that_frame_has_them_and_nothing_else(
        self, source: Path, analysis: Analysis, copy: Path
    ) -> None:
        images, _ = read(copy)
        with Video(source) as video:
            originals = [frame.image.copy() for frame in video.frames()]
        for n in (0, 11, 20, 33, 40):
            landmarks = analysis.track.landmarks[n]
            changed = np.abs(images[n].astype(int) - originals[n]).max(axis=2)
            if not analysis.traces.seen[n]:
                assert np.percentile(changed, 99) < 60
                continue
            outside = ~box_mask(landmarks, 8)
            assert np.percentile(changed[outside], 99) < 60
            for index in (33, 133, 362, 263):
                x, y = np.round(landmarks[COLUMN[index]] - 0.5).astype(int)
                # An antialiased line of one pixel, with half of the chroma.
                patch = images[n][y - 2 : y + 3, x - 2 : x + 3].reshape(-1, 3)
                assert np.abs(patch - YELLOW).max(axis=1).min() < 110, (n, index)

    def test_the_panel_tells_states_apart(self, analysis: Analysis, copy: Path) -> None:
        with av.open(copy) as container:
            panels = [
                frame.to_ndarray(format="gray")[HEIGHT:] for frame in container.decode(video=0)
            ]
        # A bar behind the words where there is an event or no face: 80 pixels in from the left.
        flagged = [bool(panel[36, 80 + 200] > 120) for panel in panels]
        blinks = analysis.events.closures.interval
        expected = ~analysis.traces.seen
        for start, stop in blinks:
            expected[start:stop] = True
        assert len(blinks) == 1
        assert flagged == expected.tolist()

    def test_with_a_protocol_only_its_phases_count(self, source: Path, tmp_path: Path) -> None:
        end_s = float(VFR_S[28] - VFR_S[0])
        protocol = parse_protocol([{"phase": "up", "start_s": 0, "end_s": end_s}])
        analysis = analyze(np.arange(COUNT), VFR_S, Parameters(protocol=protocol))
        path = write_overlay(tmp_path, "clip", source, analysis)
        with av.open(path) as container:
            panels = [
                frame.to_ndarray(format="bgr24")[HEIGHT:].astype(int)
                for frame in container.decode(video=0)
            ]
        # The arrow of the gaze, beside its gauge: filled where the frame counts, else an outline.
        cyan = [(one[..., 1] > 150) & (one[..., 2] < 100) for one in panels]
        areas = [int(one[:, 490:508].sum()) for one in cyan]
        valid = np.flatnonzero(analysis.gaze.valid)
        inside, outside = valid[valid < 28], valid[valid > 28]
        assert inside.size > 5
        assert outside.size > 5
        assert min(areas[n] for n in inside) > 1.3 * max(areas[n] for n in outside) > 0

    @pytest.mark.parametrize(
        "size",
        [(1920, 1080), (1080, 1920), (3840, 2160), (320, 240), (32, 32), (641, 479), (4096, 48)],
    )
    def test_every_size_is_even_legible_and_no_larger_than_it_may_be(
        self, size: tuple[int, int]
    ) -> None:
        layout = Layout.fit(*size)
        assert layout.width % 2 == layout.height % 2 == 0
        assert layout.width >= 480
        assert layout.unit >= 1
        assert layout.height >= layout.picture_height + 150 * layout.unit - 1
        assert max(layout.width, layout.height) <= 1920
        assert min(layout.width, layout.height) <= 1080
        # The picture keeps its shape.
        assert layout.scale_x == pytest.approx(layout.scale_y, rel=0.06)
        assert layout.left + layout.picture_width <= layout.width


class TestBlurFace:
    def test_nothing_but_the_eyes_is_left_of_any_frame(self, source: Path, tmp_path: Path) -> None:
        analysis = analyze(np.arange(COUNT), VFR_S)
        images, _ = read(write_overlay(tmp_path, "clip", source, analysis, blur_face=True))
        assert len(images) == COUNT
        with Video(source) as video:
            originals = [frame.image.copy() for frame in video.frames()]
        for n, (image, original) in enumerate(zip(images, originals, strict=True)):
            landmarks = analysis.track.landmarks[n]
            seen = bool(analysis.traces.seen[n])
            # The encoder spreads an edge over its blocks of 16 pixels.
            hidden = ~box_mask(landmarks, 16) if seen else np.ones((HEIGHT, WIDTH), bool)
            assert np.abs(image[hidden].astype(int) - BLANK_GREY).max() <= 8, n
            assert image[hidden].std() < 1.5
            if seen:
                assert hidden.mean() > 0.9
                shown = box_mask(landmarks, -2)
                likeness = np.corrcoef(image[shown].ravel(), original[shown].ravel())[0, 1]
                assert likeness > 0.7, n
            # What the source shows there is detail, in this frame as in the others.
            assert original[hidden].std() > 50

    def test_without_a_copy_it_is_wrong_usage(
        self, source: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as exit_:
            main(["analyze", str(source), "--blur-face"])
        assert exit_.value.code == 2
        assert "add --overlay" in capsys.readouterr().err

    def test_an_earlier_copy_is_gone_also_where_the_analysis_fails(self, tmp_path: Path) -> None:
        video, earlier = tmp_path / "clip.mp4", tmp_path / "clip.overlay.mp4"
        video.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
        earlier.write_bytes(b"an earlier one, with the face")
        assert main(["analyze", str(video), "--out", str(tmp_path), "--overlay"]) == 3
        assert earlier.exists()
        arguments = ["analyze", str(video), "--out", str(tmp_path), "--overlay", "--blur-face"]
        assert main(arguments) == 3
        assert not earlier.exists()

    @pytest.mark.parametrize(
        "again", [pytest.param("analyze", marks=pytest.mark.long), "reanalyze"]
    )
    def test_an_earlier_copy_is_gone_where_another_analysis_is_written(
        self, source: Path, tmp_path: Path, again: str
    ) -> None:
        arguments = ["--out", str(tmp_path), "--no-report"]
        assert main(["analyze", str(source), "--overlay", *arguments]) == 0
        copy = tmp_path / f"{source.stem}.overlay.mp4"
        assert copy.exists()
        of = source if again == "analyze" else tmp_path / f"{source.stem}.track.npz"
        assert main([again, str(of), "--blink-thresh", "0.1", *arguments]) == 0
        assert not copy.exists(), "it shows blinks that the summary beside it does not have"

    def test_a_real_face_is_found_in_the_copy_but_not_in_the_blurred_one(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """By the command line, under a name that FFmpeg would take for something else."""
        mesh = FaceMesh()
        spec = ClipSpec(
            duration_s=2.0,
            fps=10,
            width=320,
            height=240,
            closures=(LidClosure(0.5, 0.3),),
            dropouts_s=((1.0, 1.4),),
        )
        made = tmp_path / "made.mp4"
        write_clip(made, spec)
        video = made.rename(tmp_path / "-concat:a|b%03d 김.mp4")
        for option, expected in (([], True), (["--blur-face"], False)):
            out = tmp_path / f"out{len(option)}"
            assert main(["analyze", "--out", str(out), "--overlay", *option, "--", str(video)]) == 0
            path = out / f"{video.stem}.overlay.mp4"
            assert str(path) in capsys.readouterr().out
            with av.open(path) as container:
                images = [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]
            assert len(images) == 20
            found = [bool(mesh.detect(image)) for image in images]
            assert any(found) is expected
            assert not any(found[10:14])


@pytest.mark.slow
def test_pyav_is_loaded_with_the_first_copy_only() -> None:
    script = "import sys, tracker.pages.overlay\nprint('av' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
