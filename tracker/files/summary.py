"""The files of an analysis: summary (JSON), frames and closures (CSV), track (npz)."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tracker import __version__
from tracker.files.names import printable, to_unicode
from tracker.files.tables import _frame_table, _write_csv, closure_table
from tracker.files.whole import write_whole
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.quality import Finding
from tracker.tracks.archive import save_track
from tracker.tracks.track import Track
from tracker.words.en import round_range

SIGNIFICANT_DIGITS = 6
_SIGNIFICANT = f".{SIGNIFICANT_DIGITS}g"


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
