"""The files of an analysis: summary (JSON), frames and closures (CSV), track (npz)."""

import csv
import json
import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import BLINK, LEFT, PROLONGED_CLOSURE, RIGHT
from kernels.closures import COMPLETE_RATIO
from kernels.landmarks import FACE_MESH_INDICES
from tracker import __version__
from tracker.files.names import printable, to_unicode
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment, Finding
from tracker.tracks.track import Track, save_track
from tracker.words.en import round_range

SIGNIFICANT_DIGITS = 6
_SIGNIFICANT = f".{SIGNIFICANT_DIGITS}g"
KIND_NAMES = {BLINK: "blink", PROLONGED_CLOSURE: "prolonged_closure"}

WINK_NAMES = {LEFT: "wink_left", RIGHT: "wink_right"}


def summarize(analysis: Analysis, assessment: Assessment, source: str) -> dict[str, Any]:
    """Return the summary document.

    Parameters
    ----------
    analysis : Analysis
    assessment : Assessment
    source : str
        Name of the file it comes from.

    Returns
    -------
    dict
        Ready for strict JSON: no NaN, plain numbers.
    """
    measures, info = analysis.measures, analysis.track.info
    document: dict[str, Any] = plain(
        {
            "source": to_unicode(source),
            "video_sha256": info.video_sha256 or None,
            "frames_processed": len(analysis.track.times_s),
            "fps": measures.fps,
            "duration_sec_est": measures.duration_s,
            "psp_suspected": assessment.status == "suspected",
            "psp_rule_reason": assessment.rule_reason,
            "assessment": {
                "status": assessment.status,
                "reasons": _findings(assessment.reasons),
                "cautions": _findings(assessment.cautions),
                "patient_message": assessment.patient_message,
            },
            **{
                name: value
                for name, value in asdict(measures).items()
                if name not in ("fps", "duration_s")
            },
            "framing_gain": analysis.gaze.framing_gain,
            "task": name_task(analysis),
            "phases": [asdict(phase) for phase in analysis.phases],
            "quality": asdict(assessment.quality),
            "video_meta": {
                "width": info.video.width,
                "height": info.video.height,
                "fps": info.video.fps or None,
                "frame_count": info.video.frame_count or None,
                "frames_decoded": info.frames_decoded,
                "frames_failed": info.frames_failed,
                "time_source": info.time_source,
                "complete": info.complete,
            },
            "sampling": {
                "step": info.step,
                "effective_step": _effective_step(analysis.track),
                "effective_rate_hz": measures.fps / _effective_step(analysis.track),
                "largest_step": info.raised_step or info.step,
                "out_of_time": info.out_of_time,
            },
            "partial": not info.complete,
            # The step is the track's, also where it is analysed again.
            "parameters": {**asdict(analysis.parameters), "step": info.step},
            "version": __version__,
            "note": "Research use, not a diagnosis.",
        }
    )
    return document


def name_task(analysis: Analysis) -> str:
    """Return what the person was asked to do, or is assumed to have been."""
    return "protocol" if analysis.parameters.protocol else "assumed_up_then_down"


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [{"code": finding.code, "message": finding.message} for finding in findings]


def _effective_step(track: Track) -> float:
    """Return the mean number of source frames from one analysed frame to the next."""
    index = track.frame_index
    return float(index[-1] - index[0]) / (index.size - 1) if index.size > 1 else math.nan


def write_analysis(
    directory: Path, stem: str, analysis: Analysis, summary: dict[str, Any]
) -> list[Path]:
    """Write the table of frames, the table of closures and, when they are there, the summary.

    A summary of an earlier analysis is removed before that: one that is there belongs to the tables
    beside it.

    Parameters
    ----------
    directory : Path
        An existing directory.
    stem : str
        What the files' names begin with.
    analysis : Analysis
    summary : dict
        From `summarize`.

    Returns
    -------
    list of Path
        The files. Each appears whole or not at all.
    """
    summary_path = directory / f"{stem}.summary.json"
    summary_path.unlink(missing_ok=True)
    tables = [
        write_whole(
            directory / f"{stem}.frames.csv", lambda path: _write_csv(path, _frame_table(analysis))
        ),
        write_whole(
            directory / f"{stem}.blinks.csv",
            lambda path: _write_csv(path, closure_table(analysis)),
        ),
    ]
    write_whole(
        summary_path,
        lambda path: path.write_text(to_json(summary, indent=2) + "\n", encoding="utf-8"),
    )
    return [summary_path, *tables]


def write_track(directory: Path, stem: str, track: Track) -> Path:
    """Write the track, so that it can be analysed again without the video."""
    return write_whole(directory / f"{stem}.track.npz", lambda path: save_track(track, path))


def to_json(document: Any, indent: int | None = None) -> str:
    """Return strict JSON: NaN and infinity are null."""
    return json.dumps(plain(document), indent=indent, allow_nan=False, ensure_ascii=False)


def describe_summary(summary: dict[str, Any], name: str) -> str:
    """Return what `summarize` returned for a person, a few lines."""
    assessment = summary["assessment"]

    def number(key: str, form: str) -> str:
        return "-" if summary[key] is None else format(summary[key], form)

    def interval(key: str, form: str) -> str:
        low, high = summary[key]
        return "" if low is None else f" (95 % interval {low:{form}}-{high:{form}})"

    threshold = summary["parameters"]["vpp_thresh"]
    range_ = {
        "vertical_peak_to_peak": _shown(summary["vertical_peak_to_peak"], threshold),
        "vertical_peak_to_peak_ci95": [
            _shown(end, threshold) for end in summary["vertical_peak_to_peak_ci95"]
        ],
    }
    summary = {**summary, **range_}

    lines = [
        f"{printable(name)}: {assessment['status'].replace('_', ' ')}",
        f"  because     {summary['psp_rule_reason']}",
        f"  vertical    {number('vertical_peak_to_peak', '.3f')} eye widths peak to peak"
        f"{interval('vertical_peak_to_peak_ci95', '.3f')}, "
        f"threshold {threshold:g}",
        f"  blinks      {summary['blink_count']}, {number('blink_rate_per_min', '.1f')} a minute"
        f"{interval('blink_rate_per_min_ci95', '.1f')}; "
        f"prolonged closures {summary['prolonged_closure_count']}",
        f"  recording   face seen for {summary['valid_time_s']:.1f} of "
        f"{summary['duration_sec_est']:.1f} s, {summary['frames_processed']} frames analysed "
        f"of {number('fps', '.1f')} a second",
    ]
    lines += [
        f"  caution     {caution['message']}"
        for caution in assessment["cautions"]
        if caution["message"] not in summary["psp_rule_reason"]
    ]
    return "\n".join(lines)


def _shown(range_: float | None, threshold: float) -> float | None:
    return None if range_ is None else round_range(range_, threshold)


def plain(value: Any) -> Any:
    """Replace NumPy's scalars by Python's, NaN by None, and round to significant digits."""
    # The most frequent first: tables of sweeps have millions of them.
    if isinstance(value, float):
        return float(format(value, _SIGNIFICANT)) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return value


def name_events(analysis: Analysis) -> list[str]:
    """Return the name of the closure or wink that each analysed frame is in; empty outside."""
    events = [""] * len(analysis.track.times_s)
    for (start, stop), kind in zip(analysis.closures.interval, analysis.closures.kind, strict=True):
        events[start:stop] = [KIND_NAMES[kind]] * int(stop - start)
    for (start, stop), eye in zip(analysis.winks, analysis.wink_eye, strict=True):
        events[start:stop] = [WINK_NAMES[eye]] * int(stop - start)
    return events


def _frame_table(analysis: Analysis) -> dict[str, Iterable[Any]]:
    geometry, track = analysis.geometry, analysis.track
    iris = {
        eye: track.landmarks[:, FACE_MESH_INDICES.index(index)].astype(np.float64)
        for eye, index in ((LEFT, 473), (RIGHT, 468))
    }
    return {
        "frame_idx": track.frame_index,
        "time_sec": track.times_s,
        "L_iris_cx": iris[LEFT][:, 0],
        "L_iris_cy": iris[LEFT][:, 1],
        "L_eye_open": geometry.ear[:, LEFT],
        "L_v_offset": analysis.gaze.vertical_by_eye[:, LEFT],
        "R_iris_cx": iris[RIGHT][:, 0],
        "R_iris_cy": iris[RIGHT][:, 1],
        "R_eye_open": geometry.ear[:, RIGHT],
        "R_v_offset": analysis.gaze.vertical_by_eye[:, RIGHT],
        "eye_open": analysis.ear,
        "v_offset": analysis.gaze.vertical,
        "h_offset": analysis.gaze.horizontal,
        "L_h_offset": geometry.horizontal_offset[:, LEFT],
        "R_h_offset": geometry.horizontal_offset[:, RIGHT],
        "eye_open_baseline": analysis.baseline,
        "event": name_events(analysis),
        "gaze_valid": analysis.gaze.valid,
        "L_iris_diameter_px": geometry.iris_diameter_px[:, LEFT],
        "R_iris_diameter_px": geometry.iris_diameter_px[:, RIGHT],
        "L_palpebral_fissure_px": geometry.palpebral_fissure_px[:, LEFT],
        "R_palpebral_fissure_px": geometry.palpebral_fissure_px[:, RIGHT],
        "L_canthal_distance_px": geometry.canthal_distance_px[:, LEFT],
        "R_canthal_distance_px": geometry.canthal_distance_px[:, RIGHT],
        "head_roll_deg": geometry.head_roll_deg,
        "head_yaw_deg": analysis.head.yaw_deg,
        "head_pitch_deg": analysis.head.pitch_deg,
    }


def closure_table(analysis: Analysis) -> dict[str, Any]:
    """Return the columns of the table of closures, each of shape (M,)."""
    closures, times_s = analysis.closures, analysis.track.times_s
    frame_index = analysis.track.frame_index
    start, stop = closures.interval[:, 0], closures.interval[:, 1]
    # Where the end was not seen, the closure lasts at least until its last sample.
    last = stop - 1
    end = np.where(closures.offset_seen, stop, last)
    return {
        "kind": [KIND_NAMES[kind] for kind in closures.kind],
        "onset_s": times_s[start],
        "peak_s": times_s[closures.peak],
        "offset_s": times_s[end],
        "onset_frame": frame_index[start],
        "peak_frame": frame_index[closures.peak],
        "offset_frame": np.where(closures.offset_seen, frame_index[end], frame_index[last] + 1),
        "duration_s": times_s[end] - times_s[start],
        "closing_s": times_s[closures.peak] - times_s[start],
        "opening_s": times_s[end] - times_s[closures.peak],
        "closed_s": closures.closed_s,
        "amplitude": 1 - closures.least_ratio,
        "complete": closures.least_ratio <= COMPLETE_RATIO,
        "L_amplitude": analysis.eye_amplitude[:, LEFT],
        "R_amplitude": analysis.eye_amplitude[:, RIGHT],
        "L_complete": _tell_complete(analysis.eye_amplitude[:, LEFT]),
        "R_complete": _tell_complete(analysis.eye_amplitude[:, RIGHT]),
        "onset_seen": closures.onset_seen,
        "offset_seen": closures.offset_seen,
    }


def _tell_complete(amplitude: NDArray[np.float64]) -> list[str]:
    """Return whether an eye closed completely, nothing where its amplitude is missing."""
    return [
        "" if math.isnan(one) else "true" if 1 - one <= COMPLETE_RATIO else "false"
        for one in amplitude.tolist()
    ]


def _write_csv(path: Path, table: dict[str, Iterable[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows(zip(*map(_format_column, table.values()), strict=True))


def _format_column(column: Iterable[Any]) -> Sequence[Any]:
    """Format a column: missing is empty, flags are true and false."""
    if not isinstance(column, np.ndarray):
        return list(column)
    if column.dtype == np.bool_:
        return ["true" if value else "false" for value in column.tolist()]
    if column.dtype.kind != "f":
        return list(column.tolist())
    # More digits than JSON's: the time of the 12,000th frame needs them.
    return ["" if value != value else f"{value:.9g}" for value in column.tolist()]


def remove_partial_files(directory: Path, stem: str, process_id: int) -> None:
    """Remove what a process that died was writing for this recording."""
    for path in directory.glob(f".{process_id}.*"):
        if path.name.startswith(f".{process_id}.{stem}."):
            path.unlink(missing_ok=True)


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write beside the target, then rename: a reader never meets half a file."""
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
