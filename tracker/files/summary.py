"""Make the summary of an analysis, and write its files: summary, tables and track.

They are JSON (summary), CSV (frames, closures, saccades) and npz (the track: landmarks and times).
"""

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from kernels import BLINK, compute_valid_time_s
from tracker.files.documents import read_record
from tracker.files.fields import (
    AskedFields,
    AssessmentFields,
    FindingFields,
    Interval,
    ParameterFields,
    ParticipantFields,
    PhaseFields,
    QualityFields,
    SamplingFields,
    Summary,
    VideoFields,
)
from tracker.files.names import DETECTED, printable, to_unicode
from tracker.files.participants import Participant
from tracker.files.tables import _write_csv, closure_table, frame_table, saccade_table
from tracker.files.whole import write_text_whole, write_whole
from tracker.measures.analysis import Analysis
from tracker.measures.assessment import Assessment
from tracker.measures.corrections import count_corrections, list_events
from tracker.measures.findings import Finding
from tracker.protocol import Task
from tracker.tracks.archive import save_track
from tracker.tracks.track import Track, TrackInfo
from tracker.version import __version__
from tracker.words import Language, format_text, round_range

SIGNIFICANT_DIGITS = 6
LEAST_DECIMALS = 4
"""Decimals that a number keeps however large it is: the times of long recordings need them."""
NOTE = "Research use, not a diagnosis."
_SIGNIFICANT = f".{SIGNIFICANT_DIGITS}g"
_LARGE = 10.0 ** (SIGNIFICANT_DIGITS - LEAST_DECIMALS)

T = TypeVar("T")


def summarize(
    analysis: Analysis, assessment: Assessment, source: str, participant: Participant | None = None
) -> Summary:
    """Return the summary of an analysis.

    Parameters
    ----------
    analysis : Analysis
    assessment : Assessment
    source : str
        Name of the file that was analysed: a video, or a track.
    participant : Participant, optional
        Who was recorded. The group is left out, because readers of a result shall not know it.

    Returns
    -------
    Summary
        Its numbers are rounded as `plain` does, as they are written. What is missing is None. So is
        `resume_key`, which the command `analyze` sets later.
    """
    measures, info = analysis.measures, analysis.track.info
    return _fill(
        Summary,
        measures,
        source=to_unicode(source),
        video_sha256=info.video_sha256 or None,
        frames_processed=len(analysis.track.times_s),
        duration_sec_est=plain(measures.duration_s),
        psp_suspected=assessment.status == "suspected",
        psp_rule_reason=assessment.rule_reason,
        assessment=_fill(
            AssessmentFields,
            assessment,
            basis=assessment.basis.name,
            basis_limit=plain(assessment.basis.limit),
            reasons=_findings(assessment.reasons),
            cautions=_findings(assessment.cautions),
        ),
        framing_gain=plain(analysis.gaze.framing_gain),
        task=name_task(analysis),
        phases=tuple(_fill(PhaseFields, phase) for phase in analysis.phases),
        quality=_fill(QualityFields, assessment.quality),
        video_meta=_describe_video(info),
        sampling=_describe_sampling(analysis),
        partial=not info.complete,
        parameters=_fill(
            ParameterFields,
            analysis.parameters,
            # The step of the track, even if it is analysed again with another one.
            step=info.step,
            protocol=tuple(_fill(AskedFields, phase) for phase in analysis.parameters.protocol),
        ),
        **_describe_corrections(analysis),
        version=__version__,
        note=NOTE,
        resume_key=None,
        participant=participant and _describe_participant(participant),
    )


def _describe_video(info: TrackInfo) -> VideoFields:
    return _fill(
        VideoFields,
        info,
        width=info.video.width,
        height=info.video.height,
        fps=plain(info.video.fps or None),
        frame_count=info.video.frame_count or None,
        recorded_at=info.video.recorded_at or None,
    )


def _describe_participant(one: Participant) -> ParticipantFields:
    return ParticipantFields(one.participant_id, one.visit or None, one.date or None)


def _describe_corrections(analysis: Analysis) -> dict[str, Any]:
    """Return the summary's fields about corrections, by name.

    If nobody corrected the recording, `corrected` is False, and all others are None.
    """
    said, detected, times_s = analysis.corrections, analysis.detected, analysis.track.times_s
    if said is None or detected is None:
        names = ("by", "at", "why")
        return {
            "corrected": False,
            **{f"corrected_{name}": None for name in names},
            "correction_count": None,
            "detected_blink_count": None,
            "unusable_time_s": None,
        }
    before_s, after_s = (
        compute_valid_time_s(np.isfinite(landmarks).all(axis=(1, 2)), times_s)
        for landmarks in (analysis.track.landmarks, analysis.traces.landmarks)
    )
    return {
        "corrected": True,
        "corrected_by": said.by,
        "corrected_at": said.at,
        "corrected_why": said.why or None,
        "correction_count": count_corrections(list_events(detected, times_s), said),
        "detected_blink_count": int(np.count_nonzero(detected.closures.kind == BLINK)),
        "unusable_time_s": plain(before_s - after_s),
    }


def _fill(record: Callable[..., T], measured: object, /, **values: Any) -> T:
    """Make an object of `record`, one of the summary's dataclasses.

    A field's value comes from `values`, unchanged, if it is named there. Otherwise it is the
    attribute of `measured` with the field's name, rounded and with None for NaN, as `plain` does.
    """
    shapes = read_record(record)
    for name in shapes.keys() - values.keys():
        value = plain(getattr(measured, name))
        values[name] = Interval(*value) if shapes[name][0].kind is Interval else value
    return record(**values)


def name_task(analysis: Analysis) -> Literal["protocol"] | Task:
    """Return "protocol" if the analysis was given a protocol, else its parameter `task`."""
    return "protocol" if analysis.parameters.protocol else analysis.parameters.task


def _findings(findings: Iterable[Finding]) -> tuple[FindingFields, ...]:
    return tuple(FindingFields(finding.code, finding.message) for finding in findings)


def _describe_sampling(analysis: Analysis) -> SamplingFields:
    index, info = analysis.track.frame_index, analysis.track.info
    # The mean number of source frames from one analysed frame to the next.
    step = float(index[-1] - index[0]) / (index.size - 1) if index.size > 1 else math.nan
    return _fill(
        SamplingFields,
        info,
        effective_step=plain(step),
        effective_rate_hz=plain(analysis.measures.fps / step),
        largest_step=info.raised_step or info.step,
        capture_fps=plain(info.capture_fps or None),
    )


def write_analysis(directory: Path, stem: str, analysis: Analysis, summary: Summary) -> list[Path]:
    """Write the tables of frames, of closures and of saccades, then the summary.

    The summary of an earlier analysis is removed first. A summary therefore always belongs to the
    tables beside it. If a person corrected the recording, one more table, ``STEM.blinks.auto.csv``,
    holds the closures as they were detected. Otherwise such a table of an earlier analysis is
    removed. The track is not written here.

    Parameters
    ----------
    directory : Path
        An existing directory.
    stem : str
        What the names of the files begin with.
    analysis : Analysis
    summary : Summary
        From `summarize`.

    Returns
    -------
    list of Path
        The written files, the summary first. If an error occurs, no file is left half-written: some
        tables may be new, and there is no summary.
    """
    summary_path = directory / f"{stem}.summary.json"
    detected_path = directory / f"{stem}.{DETECTED}"
    for path in (summary_path, detected_path):
        path.unlink(missing_ok=True)
    tables = [
        write_whole(
            directory / f"{stem}.frames.csv", lambda path: _write_csv(path, frame_table(analysis))
        ),
        write_whole(
            directory / f"{stem}.blinks.csv",
            lambda path: _write_csv(path, closure_table(analysis, analysis.events)),
        ),
        write_whole(
            directory / f"{stem}.saccades.csv",
            lambda path: _write_csv(path, saccade_table(analysis)),
        ),
    ]
    detected = analysis.detected
    if detected is not None:
        write_whole(detected_path, lambda path: _write_csv(path, closure_table(analysis, detected)))
        tables.append(detected_path)
    write_text_whole(summary_path, to_json(summary.to_dict(), indent=2) + "\n")
    return [summary_path, *tables]


def write_track(directory: Path, stem: str, track: Track) -> Path:
    """Write a track (landmarks and times) as ``STEM.track.npz`` to a directory; return its path.

    From that file, the recording can be analysed again without the video. An earlier one is
    replaced.
    """
    return write_whole(directory / f"{stem}.track.npz", lambda path: save_track(track, path))


def to_json(document: Any, indent: int | None = None) -> str:
    """Return a document as strict JSON, its floats rounded and NaN null as `plain` makes them.

    `indent` is the number of spaces for each level; None: all on one line.
    """
    return json.dumps(plain(document), indent=indent, allow_nan=False, ensure_ascii=False)


def describe_summary(summary: Summary, name: str, language: Language = "en") -> str:
    """Return the main values of a summary as a few lines of text for the terminal.

    `name` is what the first line calls the recording.

    A summary holds the sentences of its reasons and cautions in English only. Korean text names
    them in a few words each instead.
    """

    def say(key: str, **values: Any) -> str:
        return format_text(language, f"terminal.{key}", **values)

    def range_(value: float | None, ends: Interval, limit: float) -> dict[str, str]:
        shown, *rounded = (
            None if one is None else round_range(one, limit) for one in (value, *ends)
        )
        words = {"value": _format_number(shown, ".3f"), "limit": f"{limit:g}"}
        return words | {"interval": _format_interval(Interval(*rounded), ".3f", language)}

    assessment = summary.assessment
    answer, reason = str(assessment.status), summary.psp_rule_reason
    cautions = [one.message for one in assessment.cautions if one.message not in reason]
    if language != "en":
        answer = format_text(language, f"verdict.{assessment.status}")
        reason = ", ".join(_name_findings(assessment.reasons, language))
        cautions = _name_findings(assessment.cautions, language)
    lines = [f"{printable(name)}: {answer}", *([say("because", reason=reason)] if reason else [])]
    vertical = (summary.vertical_peak_to_peak, summary.vertical_peak_to_peak_ci95)
    lines.append(say("vertical", **range_(*vertical, summary.parameters.vpp_thresh)))
    if assessment.basis == "down_range":
        down = range_(summary.down_range, summary.down_range_ci95, assessment.basis_limit)
        lines.append(say("down", **down))
    if summary.corrected:
        words = {"count": summary.correction_count, "by": summary.corrected_by}
        lines.append(say("corrected", **words, blinks=summary.detected_blink_count))
    lines += [
        say(
            "blinks",
            count=summary.blink_count,
            rate=_format_number(summary.blink_rate_per_min, ".1f"),
            interval=_format_interval(summary.blink_rate_per_min_ci95, ".1f", language),
            prolonged=summary.prolonged_closure_count,
        ),
        say(
            "recording",
            seen=summary.valid_time_s,
            seconds=summary.duration_sec_est,
            frames=summary.frames_processed,
            fps=_format_number(summary.fps, ".1f"),
        ),
        *(say("caution", caution=one) for one in cautions),
    ]
    return "\n".join(lines)


def _format_number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _format_interval(ends: Interval, form: str, language: Language) -> str:
    low, high = ends
    if low is None or high is None:
        return ""
    return format_text(
        language, "terminal.interval", low=format(low, form), high=format(high, form)
    )


def _name_findings(findings: Iterable[FindingFields], language: Language) -> list[str]:
    return [format_text(language, f"cohort.code.{one.code}") for one in findings]


def plain(value: Any) -> Any:
    """Return a value, with all that it contains, as JSON can hold it.

    Floats are rounded to 6 significant digits (`SIGNIFICANT_DIGITS`), but never to fewer than 4
    decimals (`LEAST_DECIMALS`): 1.23456789 becomes 1.23457, and 3600.123456 becomes 3600.1235. NaN
    and infinity become None, tuples and arrays become lists, NumPy's numbers Python's, and the keys
    of dictionaries texts. Other values stay as they are.
    """
    # The most frequent type first: tables of sweeps have millions of values.
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        if -_LARGE < value < _LARGE:
            return float(format(value, _SIGNIFICANT))
        return round(float(value), LEAST_DECIMALS)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    return value
