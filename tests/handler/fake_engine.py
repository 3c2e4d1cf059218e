"""An engine that analyses nothing: what a "video" gives is written in it."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from io import BufferedIOBase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from handler.errors import (
    HandlerError,
    IndivisibleError,
    UndecodableError,
    UnsupportedMediaError,
)
from tracker.parameters import Parameters

FRAMES = 20
HEAD_BYTES = 4096
RESULTS = [
    "blinks.csv",
    "frames.csv",
    "original",
    "saccades.csv",
    "summary.json",
    "track.npz",
]
"""The files in the folder of a video that was sent, analysed without a report; sorted."""
RANGES = {"suspected": 0.021, "not_suspected": 0.183, "borderline": 0.058, "not_assessable": None}


def make_video(status: str, **about: Any) -> bytes:
    """Return a "video" of which the engine says this.

    `seconds` makes it cost so many. If it is divided, it has at most `most` segments; the engine
    calls the segment `poison` damaged, and finds that the segment `indivisible` is none.
    """
    return b"VIDEO " + json.dumps({"status": status, **about}).encode()


def encode_video(status: str, **about: Any) -> str:
    """Return the same in base64."""
    return base64.b64encode(make_video(status, **about)).decode()


class FakeEngine:
    """Stands for `handler.engine.Engine`.

    Attributes
    ----------
    on_frame : callable
        Called before each frame's progress is reported.
    analysed : list of str
        What was analysed, in order.
    """

    identity = {"program_sha256": "a" * 64, "models_sha256": "b" * 64}  # noqa: RUF012

    def __init__(self, on_frame: Callable[[int], None] = lambda _frame: None) -> None:
        self.on_frame = on_frame
        self.analysed: list[str] = []

    def detect_kind(self, head: bytes) -> str:
        if head.startswith(b"VIDEO"):
            return "video"
        if head.startswith(b"IMAGE"):
            return "image"
        raise UnsupportedMediaError("unsupported_media_type", "neither")

    def estimate_video_s(self, source: Path | BufferedIOBase, parameters: Parameters) -> float:
        return float(self._read(source).get("seconds", 0.0))

    def estimate_whole_s(self, source: Path | BufferedIOBase, parameters: Parameters) -> float:
        return self.estimate_video_s(source, parameters)

    def analyze_video(
        self,
        source: Path | BufferedIOBase,
        parameters: Parameters,
        folder: Path,
        budget_s: float,
        on_progress: Callable[[int, int], None],
        report: str | None = None,
        name: str = "original",
    ) -> tuple[Any, list[Path]]:
        about = self._read(source)
        for frame in range(FRAMES):
            self.on_frame(frame)
            on_progress(frame, FRAMES)
        self.analysed.append(about["status"])
        summary = make_summary(about["status"], parameters)
        return _write_results(summary, folder, report)

    def plan_segments(
        self, source: BufferedIOBase, parameters: Parameters, count: int
    ) -> dict[str, Any]:
        content = source.read()
        about = json.loads(content.removeprefix(b"VIDEO "))
        count = min(count, about.get("most", count))
        texts = [json.dumps({"index": n, "count": count, "about": about}) for n in range(count)]
        return {"segments": texts, "sha256": hashlib.sha256(content).hexdigest()}

    def track_segment(
        self,
        source: BufferedIOBase,
        segment: str,
        path: Path,
        on_progress: Callable[[int, int], None],
        with_pictures: bool,
    ) -> None:
        about, planned = self._read(source), json.loads(segment)
        assert about == planned["about"]
        if planned["index"] == about.get("poison"):
            raise UndecodableError("undecodable", "damaged")
        if planned["index"] == about.get("indivisible"):
            raise IndivisibleError("indivisible", "not there")
        for frame in range(FRAMES):
            self.on_frame(frame)
            on_progress(frame, FRAMES)
        self.analysed.append(str(planned["index"]))
        path.write_text(json.dumps({**planned, "frames": 100 + planned["index"]}))

    def join_parts(
        self,
        paths: Iterable[Path],
        sha256: str,
        parameters: Parameters,
        folder: Path,
        report: str | None,
        name: str,
    ) -> tuple[Any, list[Path]]:
        try:
            parts = {one["index"]: one for one in (json.loads(path.read_text()) for path in paths)}
        except ValueError as error:
            raise HandlerError("part_damaged", "damaged") from error
        count = parts[0]["count"]
        if parts.keys() != set(range(count)):
            raise HandlerError("part_damaged", "missing")
        self.analysed.append("joined")
        summary = make_summary(parts[0]["about"]["status"], parameters)
        summary |= {"frames_processed": sum(one["frames"] for one in parts.values())}
        summary |= {"video_sha256": sha256}
        return _write_results(summary, folder, report)

    def analyze_image(
        self, path: Path, parameters: Parameters, folder: Path
    ) -> tuple[dict[str, Any], list[Path]]:
        result = folder / "analysis.result.json"
        result.write_text("{}")
        return {"detected": True}, [result]

    def _read(self, source: Path | BufferedIOBase) -> dict[str, Any]:
        if isinstance(source, Path):
            with source.open("rb") as file:
                head = file.read(HEAD_BYTES)
        else:
            head = source.read(HEAD_BYTES)
        try:
            text = head.removeprefix(b"VIDEO ").decode()
            about: dict[str, Any] = json.JSONDecoder().raw_decode(text)[0]
        except ValueError as error:
            raise UndecodableError("undecodable", "damaged") from error
        return about


def _write_results(
    summary: dict[str, Any], folder: Path, report: str | None
) -> tuple[Any, list[Path]]:
    names = ["summary.json", "frames.csv", "blinks.csv", "saccades.csv", "track.npz"]
    names += ["report.html"] if report else []
    paths = [folder / f"analysis.{one}" for one in names]
    for path in paths:
        path.write_text(json.dumps(summary))
    return SimpleNamespace(to_dict=lambda: summary), paths


def make_summary(status: str, parameters: Parameters) -> dict[str, Any]:
    """Return what of a summary the API itself reads."""
    range_ = RANGES[status]
    codes = {"borderline": "borderline", "not_assessable": "no_face"}
    reasons = [{"code": codes[status], "message": "m"}] if status in codes else []
    return {
        "video_sha256": None,
        "frames_processed": FRAMES,
        "duration_sec_est": 20.0,
        "vertical_peak_to_peak": range_,
        "vertical_offset_std": None if range_ is None else range_ / 4,
        "blink_count": 3,
        "blink_rate_per_min": 9.0,
        "psp_suspected": status == "suspected",
        "psp_rule_reason": "made up",
        "partial": False,
        "sampling": {"effective_rate_hz": 30.0},
        "parameters": {"vpp_thresh": parameters.vpp_thresh},
        "assessment": {
            "status": status,
            "reasons": reasons,
            "cautions": [],
            "patient_message": "m",
        },
    }
