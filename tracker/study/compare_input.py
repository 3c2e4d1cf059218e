"""The input of a comparison: which measures are compared, and which files they are read from."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tracker.files.documents import (
    SummaryFormatError,
    find_field,
    list_movements,
    load_summary,
)
from tracker.files.fields import Summary
from tracker.files.names import printable
from tracker.parameters import Parameters
from tracker.pipeline import measure_track
from tracker.tracks.archive import load_track
from tracker.video.container import InputError, check_readable

MAX_COUNT = 1_000_000

Group = Literal["gaze", "lids"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of the summary that is compared between recordings.

    Attributes
    ----------
    name : str
        Name of the summary's field. The summary has no rate of prolonged closures; its name here is
        ``prolonged_closure_rate_per_min``.
    group : {"gaze", "lids"}
        What the number describes: how the eyes move, or how the lids close.
    unit : str
        Code of the unit, such as ``per_min``: its name is in `tracker.words`, under the key
        ``compare.unit.per_min``. For a measure of movements, which has no such key, it is the
        unit's English name itself, such as ``deg/s``; empty if it has none.
    digits : int
        Number of decimals that are shown.
    interval : str or None
        The summary's field with the 95 % interval of the number; None if the summary has none.
    count : str or None
        For ``blink_rate_per_min`` and ``prolonged_closure_rate_per_min``, the summary's field with
        the number of events in the time `valid_time_s`, from which the rate is computed. None for
        any other measure, also for rates in some phases.
    """

    name: str
    group: Group
    unit: str
    digits: int
    interval: str | None = None
    count: str | None = None


_DIGITS = {"ms": 0, "deg/s": 0, "1/min": 1, "lid openings/s": 1, "squared eye widths": 6}
"""Decimals of a measure of movements, by its unit; others have 3."""

_ANSWER_MEASURES = (
    Measure("vertical_peak_to_peak", "gaze", "eye_widths", 3, "vertical_peak_to_peak_ci95"),
    Measure("up_range", "gaze", "eye_widths", 3),
    Measure("down_range", "gaze", "eye_widths", 3),
    Measure("horizontal_peak_to_peak", "gaze", "eye_widths", 3),
    Measure("blink_rate_per_min", "lids", "per_min", 1, count="blink_count"),
    Measure(
        "prolonged_closure_rate_per_min", "lids", "per_min", 1, count="prolonged_closure_count"
    ),
    Measure("blink_duration_median_s", "lids", "s", 3),
    Measure("perclos", "lids", "share", 3),
)
MOVEMENT_MEASURES = tuple(
    Measure(
        name,
        "lids" if about.group == "lids" else "gaze",
        about.unit,
        _DIGITS.get(about.unit, 3),
        f"{name}_ci95",
    )
    for name, about in ((name, find_field(name)[1]) for name in list_movements())
)
"""Measures that earlier versions lack, and that are not validated on patients."""
MEASURES = _ANSWER_MEASURES + MOVEMENT_MEASURES

NEEDED = (
    *(name for one in _ANSWER_MEASURES for name in (one.count or one.name, one.interval) if name),
    "source",
    "version",
    "partial",
    "valid_time_s",
    "gaze_time_s",
    "assessment.status",
    "assessment.reasons.code",
    "parameters.vpp_thresh",
    "phases.phase",
    "phases.start_s",
    "phases.end_s",
    "quality.sampled_rate_hz",
    "quality.head_pitch_deg",
)
"""A summary without one of these fields is refused. Earlier versions may lack other fields."""
_REMEDY = "Name another file, or make it anew with `eye-tracker reanalyze`."


class ComparisonInputError(InputError):
    """The file is not a summary that can be compared; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A recording's summary, and the label of the condition that it belongs to.

    A condition is, for example, a visit, or "before medication".
    """

    label: str
    summary: Summary


def label_files(arguments: Sequence[str]) -> list[tuple[str, Path]]:
    """Read a label and a file from each argument of the command line.

    Parameters
    ----------
    arguments : sequence of str
        ``LABEL=FILE``, or ``FILE`` alone, whose label is the file's name without its endings. An
        argument that is an existing file is a ``FILE``, even with ``=`` in its name.

    Returns
    -------
    list of (str, Path)
        Labels and files, in the order of the arguments. A file need not exist.

    Raises
    ------
    ValueError
        There are fewer than two different labels, or a file is given twice, also by a link to it.
        Or a ``FILE`` alone has the label of another argument. Or a label is empty or cannot be
        printed. Several ``LABEL=FILE`` may have the same label.
    """
    files: list[tuple[str, Path]] = []
    alone: list[str] = []
    for argument in arguments:
        label, equals, name = argument.partition("=")
        path = Path(argument)
        if equals and not path.exists():
            path = Path(name)
        else:
            label = printable(path.name)
            for ending in (".json", ".npz", ".summary", ".track"):
                label = label.removesuffix(ending)
            alone.append(label)
        if not (label.strip() and label.isprintable()):
            raise ValueError(f"{argument!r}: the label is empty or cannot be printed")
        files.append((label, path))
    counts = Counter(label for label, _ in files)
    for label in alone:
        if counts[label] > 1:
            raise ValueError(f"several files are called {label}: tell them apart with LABEL=FILE")
    resolved = [path.resolve() for _, path in files]
    for (_, path), one in zip(files, resolved, strict=True):
        if resolved.count(one) > 1:
            raise ValueError(f"{printable(path)} is given twice: name other recordings")
    if len({label for label, _ in files}) < 2:
        raise ValueError(
            "two conditions or more are needed: name files with different labels, LABEL=FILE"
        )
    return files


def read_recording(path: Path, label: str) -> Labelled:
    """Read a recording's summary, or make it: analyse the recording's track again.

    Parameters
    ----------
    path : Path
        ``STEM.summary.json`` or ``STEM.track.npz``; what ends in ``.npz`` is read as a track. A
        track is analysed with this version's default parameters, and with its own protocol and
        task.
    label : str
        Label of the condition that the recording belongs to; see `Labelled`.

    Returns
    -------
    Labelled

    Raises
    ------
    InputError
        The file cannot be read, is neither a summary nor a track, or is a summary that lacks a
        field of `NEEDED` or has a value that no recording can have.
    """
    if path.suffix == ".npz":
        return Labelled(label, measure_track(load_track(path), Parameters(), path.name).summary)
    check_readable(path)
    try:
        summary = load_summary(path, NEEDED)
        _check_ranges(summary)
    except SummaryFormatError as error:
        raise ComparisonInputError(
            f"{printable(path.name)}: not a summary (STEM.summary.json) that this version can "
            f"compare: {error}. {_REMEDY}"
        ) from error
    return Labelled(label, summary)


def _check_ranges(summary: Summary) -> None:
    """Raise `SummaryFormatError` if a value to compare is one that no recording can have.

    Examples are NaN, a negative count, and an interval that ends before it begins. A value that is
    None, because it could not be measured, is accepted.
    """

    def check(name: str, value: float | None, low: float = 0.0, high: float = 1e9) -> None:
        # NaN is in no range.
        if value is not None and not low <= value <= high:
            raise SummaryFormatError(f"{name} is {value}, expected {low:g} to {high:g}")

    for measure in MEASURES:
        if measure.count is not None:
            check(measure.count, getattr(summary, measure.count), high=MAX_COUNT)
            continue
        value = getattr(summary, measure.name)
        # Both ends of the range can lie on the same side of the primary position.
        check(measure.name, value, low=-1e9 if measure.name in ("up_range", "down_range") else 0.0)
        if measure.interval is not None:
            low, high = getattr(summary, measure.interval)
            check(measure.interval, low)
            check(measure.interval, high)
            if (low is None) != (high is None) or (
                low is not None and (value is None or low > high)
            ):
                raise SummaryFormatError(f"{measure.interval} is {low} to {high}")
    for name, value in (
        ("valid_time_s", summary.valid_time_s),
        ("gaze_time_s", summary.gaze_time_s),
        ("parameters.vpp_thresh", summary.parameters.vpp_thresh),
        *(("phases", one) for phase in summary.phases for one in (phase.start_s, phase.end_s)),
    ):
        check(name, value)
    check("quality.sampled_rate_hz", summary.quality.sampled_rate_hz, -1e9)
    check("quality.head_pitch_deg", summary.quality.head_pitch_deg, -1e9)
