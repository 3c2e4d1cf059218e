"""Results as a data set of the Brain Imaging Data Structure (BIDS 1.11), with eye tracking.

For each eye, a recording becomes a table of samples (``_physio.tsv.gz``), and one of the closures
of both eyes and of this eye's saccades that count (``_physioevents.tsv.gz``). The phases of its
protocol become a third (``_events.tsv``): what the person was asked to do, and when. An event whose
onset is not known is left out.

Source: https://bids-specification.readthedocs.io (Physiological recordings, Eye-tracking).
"""

import csv
import gzip
import io
import itertools
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tracker.exports.recordings import ExportedRecording, ExportInputError, Row
from tracker.files.columns import BLINK_COLUMNS, FRAME_COLUMNS, SACCADE_COLUMNS, Column
from tracker.files.fields import Summary
from tracker.files.whole import write_text_whole, write_whole
from tracker.version import __version__

BIDS_VERSION = "1.11.1"
TASKS = {"protocol": "protocol", "up_down": "updown", "extended": "extended", "unknown": "unknown"}
"""Label of each of the summary's tasks; BIDS allows letters and digits only."""
EYES = {"L": ("eye1", "left"), "R": ("eye2", "right")}
"""Of each eye: its `recording` label, and its name. Left is the subject's left."""

SAMPLES = {
    "timestamp": "time_sec",
    "x_coordinate": "{eye}_h_offset",
    "y_coordinate": "{eye}_v_offset",
    "eye_open": "{eye}_eye_open",
    "iris_x": "{eye}_iris_cx",
    "iris_y": "{eye}_iris_cy",
    "iris_diameter": "{eye}_iris_diameter_px",
    "gaze_valid": "gaze_valid",
    "frame": "frame_idx",
}
"""Columns of an eye's samples, and the column of ``STEM.frames.csv`` that each holds."""
EVENTS = {
    "onset": "onset_s",
    "duration": "duration_s",
    "trial_type": "kind",
    "peak": "peak_s",
    "closed": "closed_s",
    "amplitude": "{eye}_amplitude",
    "complete": "{eye}_complete",
    "onset_seen": "onset_seen",
    "offset_seen": "offset_seen",
}
"""Columns of an eye's closures, and the column of ``STEM.blinks.csv`` that each holds."""
SACCADES = {
    "direction": "direction",
    "latency_ms": "latency_ms",
    "saccade_amplitude": "amplitude",
    "time_10_90_ms": "time_10_90_ms",
    "peak_velocity_deg_s_est": "peak_velocity_deg_s_est",
}
"""Columns of an eye's saccades, and the column of ``STEM.saccades.csv`` that each holds. ``onset``
and ``trial_type`` are columns of both."""

KINDS = {
    "blink": "A blink.",
    "prolonged_closure": "Lids that stay closed for longer than a blink.",
    "flutter": "Four dips of the lids or more, in quick succession.",
    "saccade": "A step of the gaze that could be measured. Columns about closures are n/a.",
}

MAX_LABEL = 72
"""Longest label, but for a number. File systems take names of 255 bytes: two labels, the rest of
the longest name and the mark of a file that is still being written take about 230."""

_Key = TypeVar("_Key")

README = """\
# Eye tracking from videos of the face

Exported by parkinson-eye-tracking. For research; the measures are not a diagnosis.

Samples are where the iris is between the corners of the eye, in widths of that eye: the position of
the eye in the head, and no point on a screen. x is positive to the subject's left, y is positive
downwards. Both eyes close together: a closure is listed for each eye, with that eye's amplitude.
Winks are no closures, and are not listed.
"""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a recording goes in the data set: its labels, its folder, and its files' names.

    `subject`, `session` and `task` are BIDS labels of the person, the visit and the task; `session`
    is empty if no visit is known. `run` counts recordings with the same other labels from 1; it is
    0 if there is only one. `folder` is relative to the data set, such as ``sub-01/ses-2/beh``. The
    files' names begin with `stem`, such as ``sub-01_ses-2_task-updown_run-1``.
    """

    subject: str
    session: str
    run: int
    task: str

    @property
    def folder(self) -> str:
        return f"sub-{self.subject}/" + (f"ses-{self.session}/" if self.session else "") + "beh"

    @property
    def stem(self) -> str:
        session = f"_ses-{self.session}" if self.session else ""
        run = f"_run-{self.run}" if self.run else ""
        return f"sub-{self.subject}{session}_task-{self.task}{run}"


def export_bids(recordings: Iterable[ExportedRecording], out: Path) -> list[Path]:
    """Write a BIDS data set: samples, events and phases of each recording, by person and visit.

    Parameters
    ----------
    recordings : iterable of ExportedRecording
        Those whose `participant` has the same id become one participant. Those without a
        `participant` become one participant each. Each needs a name of its own.
    out : Path
        Folder of the data set. It must exist, and hold no ``sub-*`` yet: a data set is never
        written over, not even one of the same recordings.

    Returns
    -------
    list of Path
        The files, in the order in which they were written.

    Raises
    ------
    ExportInputError
        The folder holds a data set already, and nothing is written; or a table of a recording
        cannot be read, and a part of the data set has been written.
    """
    recordings = list(recordings)
    if any(out.glob("sub-*")):
        raise ExportInputError(f"{out} holds a data set already: name an empty folder.")
    places = _place(recordings)
    written = [
        _write_json(
            out / "dataset_description.json",
            {
                "Name": "Eye tracking from videos of the face",
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "raw",
                "GeneratedBy": [{"Name": "parkinson-eye-tracking", "Version": __version__}],
            },
        ),
        write_text_whole(out / "README.md", README),
        *_write_participants(recordings, places, out),
        *_write_sessions(recordings, places, out),
    ]
    for recording, place in zip(recordings, places, strict=True):
        written += _write_recording(recording, place, out)
    return written


def _place(recordings: Sequence[ExportedRecording]) -> list[_Place]:
    """Return the place of each recording, in the order of `recordings`.

    The labels come from the participants' ids and visits; without a participant, the recording's
    name becomes the label of the person. A recording that is called as a participant is another
    person: a name says nothing about who was recorded.
    """
    people = [
        (True, one.participant.participant_id) if one.participant else (False, one.name)
        for one in recordings
    ]
    visits = [one.participant.visit if one.participant else "" for one in recordings]
    subjects = _make_labels({person: person[1] for person in people})
    sessions = _make_labels({visit: visit for visit in visits if visit})
    keys = [
        (subjects[person], sessions[visit] if visit else "", TASKS[one.summary.task])
        for person, visit, one in zip(people, visits, recordings, strict=True)
    ]
    totals, counts = Counter(keys), Counter[tuple[str, str, str]]()
    places = []
    for key in keys:
        counts[key] += 1
        subject, session, task = key
        places.append(_Place(subject, session, counts[key] if totals[key] > 1 else 0, task))
    return places


def _make_labels(texts: Mapping[_Key, str]) -> dict[_Key, str]:
    """Return a label of letters and digits for each key; different keys get different ones.

    It is made of the key's text in `texts`. Other characters, accents and a leading ``sub-`` are
    dropped, and so is what is over `MAX_LABEL`. Labels that would be empty or equal but for
    capitals all get a number: "P-1" and "p1" become "P1x001" and "p1x002".
    """
    plain = {}
    for key, text in texts.items():
        decomposed = unicodedata.normalize("NFKD", text.removeprefix("sub-"))
        plain[key] = re.sub("[^0-9A-Za-z]", "", decomposed)[:MAX_LABEL]
    counts = Counter(label.casefold() for label in plain.values())
    labels, taken = {}, set(counts)
    for key, label in plain.items():
        if not label or counts[label.casefold()] > 1:
            numbered = (f"{label}x{number:03d}" for number in itertools.count(1))
            label = next(one for one in numbered if one.casefold() not in taken)
            taken.add(label.casefold())
        labels[key] = label
    return labels


def _write_participants(
    recordings: Sequence[ExportedRecording], places: Sequence[_Place], out: Path
) -> list[Path]:
    rows: dict[str, list[str]] = {}
    for one, place in zip(recordings, places, strict=True):
        person = one.participant
        rows.setdefault(
            place.subject,
            [
                f"sub-{place.subject}",
                person.participant_id if person else one.name,
                (person.group if person else "") or "n/a",
                "person" if person else "recording",
            ],
        )
    about = {
        "original_id": {"Description": "The study's code of the person, or the recording's name."},
        "group": {"Description": "The study's group of the person."},
        "original_id_of": {
            "Description": "What original_id names. A person's code and a recording's name can be "
            "the same text.",
            "Levels": {
                "person": "The person, by the study's code.",
                "recording": "The recording: nothing says who was recorded.",
            },
        },
    }
    return [
        _write_tsv(out / "participants.tsv", ["participant_id", *about], rows.values()),
        _write_json(out / "participants.json", about),
    ]


def _write_sessions(
    recordings: Sequence[ExportedRecording], places: Sequence[_Place], out: Path
) -> list[Path]:
    """Write a table of the visits of each person who has some, and return the files.

    There are two files a person: the table, and its columns' meaning as JSON. `places` belong to
    `recordings`, in the same order. A visit gets the earliest date of its recordings, or ``n/a``.
    """
    visits: dict[str, dict[str, tuple[str, str]]] = {}
    for one, place in zip(recordings, places, strict=True):
        if one.participant and place.session:
            of_person = visits.setdefault(place.subject, {})
            visit, earlier = of_person.get(place.session, (one.participant.visit, ""))
            date = min(filter(None, (earlier, one.participant.date)), default="")
            of_person[place.session] = (visit, date)
    about = {
        "original_visit": {
            "Description": "The study's name of the visit. The time of day, which is not known, "
            "reads as midnight in acq_time."
        }
    }
    written = []
    for subject, of_person in visits.items():
        rows = [
            [f"ses-{session}", f"{date}T00:00:00" if date else "n/a", visit]
            for session, (visit, date) in of_person.items()
        ]
        stem = out / f"sub-{subject}" / f"sub-{subject}_sessions"
        stem.parent.mkdir(parents=True, exist_ok=True)
        written += [
            _write_tsv(stem.with_suffix(".tsv"), ["session_id", "acq_time", *about], rows),
            _write_json(stem.with_suffix(".json"), about),
        ]
    return written


def _write_recording(recording: ExportedRecording, place: _Place, out: Path) -> list[Path]:
    folder, summary = out / place.folder, recording.summary
    folder.mkdir(parents=True, exist_ok=True)
    frames, blinks, saccades = (
        recording.read_frames(),
        recording.read_blinks(),
        recording.read_saccades(),
    )
    written = []
    for eye, (label, name) in EYES.items():
        stem = f"{place.stem}_recording-{label}"
        steps = [row for row in saccades if row["used"] and row["eye"] == name]
        events = [*blinks, *(row | {"kind": "saccade"} for row in steps)]
        # In BIDS, every event has an onset.
        own = [row for row in events if row["onset_s"] is not None]
        own.sort(key=lambda row: row["onset_s"])
        about = {
            "SamplingFrequency": summary.quality.sampled_rate_hz or summary.fps,
            "StartTime": frames[0]["time_sec"] if frames else 0,
            "Columns": list(SAMPLES),
            "PhysioType": "eyetrack",
            "RecordedEye": name,
            "TaskName": place.task,
            "SampleCoordinateSystem": "eye-in-head",
            "EyeTrackingMethod": "landmarks of a face in a video of visible light",
            "SoftwareVersions": summary.version,
            **_describe(SAMPLES, FRAME_COLUMNS, eye),
        }
        written += [
            _write_compressed(folder / f"{stem}_physio.tsv.gz", frames, SAMPLES, eye),
            _write_json(folder / f"{stem}_physio.json", about),
        ]
        about = {
            "Columns": list(EVENTS | SACCADES),
            "Description": (
                f"Blinks, longer closures, and saccades. {recording.correction}".strip()
            ),
            "TaskName": place.task,
            "OnsetSource": "timestamp",
            **_describe(EVENTS, BLINK_COLUMNS, eye),
            **_describe(SACCADES, SACCADE_COLUMNS, eye),
            "trial_type": {"Description": "The kind of event.", "Levels": KINDS},
        }
        written += [
            _write_compressed(folder / f"{stem}_physioevents.tsv.gz", own, EVENTS | SACCADES, eye),
            _write_json(folder / f"{stem}_physioevents.json", about),
        ]
    return written + _write_phases(summary, place, folder)


def _describe(names: dict[str, str], columns: Sequence[Column], eye: str) -> dict[str, Any]:
    """Return the meaning and unit of each column of a BIDS table, for the JSON file beside it.

    `names` has as keys the columns of the BIDS table, and as values the columns of this program's
    table that they are copied from, which `columns` describes. "{eye}" in a value stands for `eye`,
    "L" or "R". A column becomes ``{"x": {"Description": "...", "Units": "px"}}``, without
    ``Units`` if it has none.
    """
    by_name = {one.name: one for one in columns}
    result = {}
    for name, source in names.items():
        column = by_name[source.format(eye=eye)]
        about = {"Description": column.meaning.replace("`", "")}
        if column.unit:
            about["Units"] = column.unit
        result[name] = about
    return result


def _write_phases(summary: Summary, place: _Place, folder: Path) -> list[Path]:
    """Write the protocol's phases as a table, with a JSON file that explains it; return both.

    `folder` is the recording's own, which exists. Without phases, nothing is written, and the list
    is empty.
    """
    if not summary.phases:
        return []
    rows = [
        [_text(one.start_s), _text(one.end_s - one.start_s), one.phase] for one in summary.phases
    ]
    stem = folder / f"{place.stem}_events"
    about = {
        "TaskName": place.task,
        "trial_type": {
            "Description": "What the person was asked to do.",
            "Levels": {
                "up": "Look up as far as possible.",
                "down": "Look down as far as possible.",
                "left": "Look to the own left as far as possible.",
                "right": "Look to the own right as far as possible.",
                "fixate": "Look at the camera.",
                "rest": "Look anywhere.",
            },
        },
    }
    return [
        _write_tsv(stem.with_suffix(".tsv"), ["onset", "duration", "trial_type"], rows),
        _write_json(stem.with_suffix(".json"), about),
    ]


def _text(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _write_compressed(path: Path, rows: Sequence[Row], names: dict[str, str], eye: str) -> Path:
    """Write a gzipped table without a header, as BIDS asks; equal tables give equal bytes.

    `names` has as keys the columns to write, in order, and as values the columns of `rows` that
    they are copied from. "{eye}" in a value stands for `eye`, "L" or "R". What is missing is
    written as ``n/a``. `path` is returned.
    """
    columns = [source.format(eye=eye) for source in names.values()]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(
        [_text(row.get(name)) for name in columns] for row in rows
    )
    content = gzip.compress(text.getvalue().encode(), mtime=0)
    return write_whole(path, lambda partial: partial.write_bytes(content))


def _write_tsv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)

    return write_whole(path, write)


def _write_json(path: Path, document: dict[str, Any]) -> Path:
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return write_text_whole(path, text)
