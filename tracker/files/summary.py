"""The files of an analysis: summary (JSON), frames and closures (CSV), track (npz)."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from tracker.files.fields import (
    AskedFields,
    AssessmentFields,
    FindingFields,
    Interval,
    ParameterFields,
    PhaseFields,
    QualityFields,
    SamplingFields,
    Summary,
    VideoFields,
)
from tracker.files.names import printable, to_unicode
from tracker.files.tables import _write_csv, closure_table, frame_table
from tracker.files.whole import write_whole
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.findings import Finding
from tracker.parameters import Parameters
from tracker.tracks.archive import save_track
from tracker.tracks.track import Track
from tracker.version import __version__
from tracker.words import round_range

SIGNIFICANT_DIGITS = 6
NOTE = "Research use, not a diagnosis."
_SIGNIFICANT = f".{SIGNIFICANT_DIGITS}g"


def summarize(analysis: Analysis, assessment: Assessment, source: str) -> Summary:
    """Return the summary.

    Parameters
    ----------
    analysis : Analysis
    assessment : Assessment
    source : str
        Name of the file it comes from.

    Returns
    -------
    Summary
        Its numbers are rounded to `SIGNIFICANT_DIGITS`, as they are written.
    """
    measures, info = analysis.measures, analysis.track.info
    effective_step = _effective_step(analysis.track)
    values = {one.name: plain(getattr(measures, one.name)) for one in fields(measures)}
    fps, duration_s = values.pop("fps"), values.pop("duration_s")
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    return Summary(
        source=to_unicode(source),
        video_sha256=info.video_sha256 or None,
        frames_processed=len(analysis.track.times_s),
        fps=fps,
        duration_sec_est=duration_s,
        psp_suspected=assessment.status == "suspected",
        psp_rule_reason=assessment.rule_reason,
        assessment=AssessmentFields(
            assessment.status,
            _findings(assessment.reasons),
            _findings(assessment.cautions),
            assessment.patient_message,
        ),
        **values,
        framing_gain=plain(analysis.gaze.framing_gain),
        task=name_task(analysis),
        phases=tuple(PhaseFields(**plain(asdict(phase))) for phase in analysis.phases),
        quality=QualityFields(**plain(asdict(assessment.quality))),
        video_meta=VideoFields(
            width=info.video.width,
            height=info.video.height,
            fps=plain(info.video.fps or None),
            frame_count=info.video.frame_count or None,
            frames_decoded=info.frames_decoded,
            frames_failed=info.frames_failed,
            time_source=info.time_source,
            complete=info.complete,
        ),
        sampling=SamplingFields(
            step=info.step,
            effective_step=plain(effective_step),
            effective_rate_hz=plain(measures.fps / effective_step),
            largest_step=info.raised_step or info.step,
            out_of_time=info.out_of_time,
        ),
        partial=not info.complete,
        parameters=_parameters(analysis.parameters, info.step),
        version=__version__,
        note=NOTE,
    )


def _parameters(parameters: Parameters, step: int) -> ParameterFields:
    """Return the parameters; the step is the track's, also where it is analysed again."""
    values = plain({**asdict(parameters), "step": step})
    values["protocol"] = tuple(AskedFields(**phase) for phase in values["protocol"])
    return ParameterFields(**values)


def name_task(analysis: Analysis) -> str:
    """Return what the person was asked to do, or is assumed to have been."""
    return "protocol" if analysis.parameters.protocol else "assumed_up_then_down"


def _findings(findings: Iterable[Finding]) -> tuple[FindingFields, ...]:
    return tuple(FindingFields(finding.code, finding.message) for finding in findings)


def _effective_step(track: Track) -> float:
    """Return the mean number of source frames from one analysed frame to the next."""
    index = track.frame_index
    return float(index[-1] - index[0]) / (index.size - 1) if index.size > 1 else math.nan


def write_analysis(directory: Path, stem: str, analysis: Analysis, summary: Summary) -> list[Path]:
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
    summary : Summary
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
            directory / f"{stem}.frames.csv", lambda path: _write_csv(path, frame_table(analysis))
        ),
        write_whole(
            directory / f"{stem}.blinks.csv",
            lambda path: _write_csv(path, closure_table(analysis)),
        ),
    ]
    write_whole(
        summary_path,
        lambda path: path.write_text(to_json(summary.to_dict(), indent=2) + "\n", encoding="utf-8"),
    )
    return [summary_path, *tables]


def write_track(directory: Path, stem: str, track: Track) -> Path:
    """Write the track, so that it can be analysed again without the video."""
    return write_whole(directory / f"{stem}.track.npz", lambda path: save_track(track, path))


def to_json(document: Any, indent: int | None = None) -> str:
    """Return strict JSON: NaN and infinity are null."""
    return json.dumps(plain(document), indent=indent, allow_nan=False, ensure_ascii=False)


def describe_summary(summary: Summary, name: str) -> str:
    """Return a summary in a few lines for a person."""
    threshold = summary.parameters.vpp_thresh

    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    def interval(ends: Interval, form: str) -> str:
        low, high = ends
        return "" if low is None else f" (95 % interval {low:{form}}-{high:{form}})"

    def shown(range_: float | None) -> float | None:
        return None if range_ is None else round_range(range_, threshold)

    low, high = summary.vertical_peak_to_peak_ci95
    lines = [
        f"{printable(name)}: {summary.assessment.status}",
        f"  because     {summary.psp_rule_reason}",
        f"  vertical    {number(shown(summary.vertical_peak_to_peak), '.3f')} eye widths peak to "
        f"peak{interval((shown(low), shown(high)), '.3f')}, threshold {threshold:g}",
        f"  blinks      {summary.blink_count}, {number(summary.blink_rate_per_min, '.1f')} a minute"
        f"{interval(summary.blink_rate_per_min_ci95, '.1f')}; "
        f"prolonged closures {summary.prolonged_closure_count}",
        f"  recording   face seen for {summary.valid_time_s:.1f} of "
        f"{summary.duration_sec_est:.1f} s, {summary.frames_processed} frames analysed "
        f"of {number(summary.fps, '.1f')} a second",
    ]
    lines += [
        f"  caution     {caution.message}"
        for caution in summary.assessment.cautions
        if caution.message not in summary.psp_rule_reason
    ]
    return "\n".join(lines)


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
