"""BIDS data sets, judged by the validator of those who define the format."""

import csv
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lengths import thin
from tests.made_results import BLINK_FRAMES, DOWN, FPS, LEFT, PEOPLE, UP
from tracker.exports.bids import TASKS, export_bids
from tracker.exports.recordings import ExportedRecording, ExportInputError, find_results
from tracker.files.participants import Participant
from tracker.protocol import TASKS as ALL_TASKS

STEM = "sub-p01_ses-month6_task-protocol"


@pytest.fixture(scope="module")
def data_set(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bids")
    written = export_bids(list(find_results([results], PEOPLE)), out)
    assert sorted(written) == sorted(path for path in out.rglob("*") if path.is_file())
    return out


def validate(folder: Path) -> list[str]:
    """Return the codes of the errors that the validator finds."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from bids_validator_deno import cli; cli()",
            str(folder),
            "--format",
            "json",
        ],
        capture_output=True,
        text=True,
    )
    issues = json.loads(run.stdout)["issues"]["issues"]
    errors = [one["code"] for one in issues if one["severity"] == "error"]
    assert (run.returncode != 0) == bool(errors), run.stderr
    return errors


def test_the_validator_finds_no_error(data_set: Path) -> None:
    assert validate(data_set) == []


def test_every_task_has_a_label_of_letters_and_digits() -> None:
    assert TASKS.keys() == {"protocol", *ALL_TASKS}
    assert all(label.isalnum() for label in TASKS.values())


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def damage(folder: Path) -> None:
        (path,) = folder.rglob(f"{STEM}_recording-eye1_physio.json")
        about = json.loads(path.read_text())
        change(about)
        path.write_text(json.dumps(about))

    return damage


def damage_visits(folder: Path, old: str, new: str) -> None:
    path = folder / "sub-p01" / "sub-p01_sessions.tsv"
    path.write_text(path.read_text().replace(old, new))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "no eye": edit(lambda about: about.pop("RecordedEye")),
    "wrong system": edit(lambda about: about.update(SampleCoordinateSystem="screen")),
    "wrong columns": edit(lambda about: about["Columns"].reverse()),
    "no description": lambda folder: (folder / "dataset_description.json").unlink(),
    "no time": lambda folder: damage_visits(folder, "T00:00:00", ""),
    "no session": lambda folder: damage_visits(folder, "session_id", "visit_id"),
}


@pytest.mark.parametrize("damage", thin([*DAMAGES.values()], 2), ids=thin([*DAMAGES], 2))
def test_the_validator_finds_damage(
    damage: Callable[[Path], object], data_set: Path, tmp_path: Path
) -> None:
    shutil.copytree(data_set, tmp_path / "copy")
    damage(tmp_path / "copy")
    assert validate(tmp_path / "copy") != []


def read(path: Path) -> tuple[dict[str, Any], list[list[str]]]:
    """Return a sidecar, and the rows of its table."""
    about = json.loads(path.with_name(path.name.replace(".tsv.gz", ".json")).read_text())
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return about, [line.split("\t") for line in lines]


@pytest.mark.parametrize(("eye", "name"), [("eye1", "left"), ("eye2", "right")])
def test_samples_are_what_was_drawn(eye: str, name: str, data_set: Path) -> None:
    folder = data_set / "sub-p01" / "ses-month6" / "beh"
    about, rows = read(folder / f"{STEM}_recording-{eye}_physio.tsv.gz")
    assert about["RecordedEye"] == name
    assert about["SamplingFrequency"] == pytest.approx(FPS)
    assert about["StartTime"] == 0
    assert about["Columns"][:3] == ["timestamp", "x_coordinate", "y_coordinate"]
    assert about["x_coordinate"]["Units"] == "eye widths"
    assert len(rows) == 24 * FPS
    for frame, down in ((100, -UP), (400, DOWN)):
        values = dict(zip(about["Columns"], rows[frame], strict=True))
        assert float(values["timestamp"]) == pytest.approx(frame / FPS)
        assert float(values["x_coordinate"]) == pytest.approx(LEFT, abs=0.01)
        assert float(values["y_coordinate"]) == pytest.approx(down, abs=0.01)


def test_closures_are_events_of_both_eyes(data_set: Path) -> None:
    folder = data_set / "sub-p01" / "ses-month6" / "beh"
    for eye in ("eye1", "eye2"):
        about, rows = read(folder / f"{STEM}_recording-{eye}_physioevents.tsv.gz")
        assert about["OnsetSource"] == "timestamp"
        assert "Corrected" not in about["Description"]
        kinds = [row[about["Columns"].index("trial_type")] for row in rows]
        # The step from above to below, at 12 s.
        assert kinds == ["blink", "blink", "saccade", "blink"]
        assert set(kinds) <= about["trial_type"]["Levels"].keys()
        onsets = [float(row[0]) for row in rows]
        assert onsets == sorted(onsets)
        saccade = dict(zip(about["Columns"], rows[2], strict=True))
        assert saccade["direction"] == "down"
        assert float(saccade["onset"]) == pytest.approx(12.0, abs=2 / FPS)
        assert float(saccade["saccade_amplitude"]) == pytest.approx(UP + DOWN, rel=0.1)
        assert saccade["duration"] == saccade["amplitude"] == saccade["complete"] == "n/a"
        onsets = [one for one, kind in zip(onsets, kinds, strict=True) if kind == "blink"]
        assert onsets == pytest.approx([start / FPS for start in BLINK_FRAMES], abs=1 / FPS)


def test_corrections_are_told(
    results: Path, recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    (one,) = (found for found in recordings if found.stem == "first")
    summary = replace(
        one.summary, corrected=True, corrected_by="AB", corrected_at="2026-01-31T09:30:00Z"
    )
    export_bids([replace(one, summary=summary)], tmp_path)
    for eye in ("eye1", "eye2"):
        (path,) = tmp_path.rglob(f"*_recording-{eye}_physioevents.tsv.gz")
        about, rows = read(path)
        assert about["Description"].endswith("Corrected by AB, 2026-01-31T09:30:00Z.")
        kinds = [row[about["Columns"].index("trial_type")] for row in rows]
        assert [kind for kind in kinds if kind != "saccade"] == ["blink"] * 3
    assert validate(tmp_path) == []


@pytest.mark.parametrize("table", ["blinks", "saccades"])
def test_an_event_without_an_onset_is_left_out(
    table: str, results: Path, recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    """Each eye's table is sorted by onset."""
    (one,) = (found for found in recordings if found.stem == "first")
    folder = tmp_path / "results"
    shutil.copytree(results / "p-01", folder)
    path = folder / f"first.{table}.csv"
    with path.open(newline="") as text:
        rows = list(csv.DictReader(text))
    chosen = [row for row in rows if row.get("used", "true") == "true"]
    chosen[-1]["onset_s"] = ""
    with path.open("w", newline="") as text:
        writer = csv.DictWriter(text, rows[0])
        writer.writeheader()
        writer.writerows(rows)

    def count(directory: Path, out: Path) -> int:
        out.mkdir()
        export_bids([replace(one, directory=directory)], out)
        paths = out.rglob("*_physioevents.tsv.gz")
        return sum(len(read(path)[1]) for path in paths)

    lost = {"blinks": 2, "saccades": 1}[table]  # a closure is listed for each eye
    before = count(results / "p-01", tmp_path / "whole")
    assert count(folder, tmp_path / "without") == before - lost


def test_phases_are_events(data_set: Path) -> None:
    (path,) = data_set.rglob("*_events.tsv")
    assert path.read_text().splitlines() == [
        "onset\tduration\ttrial_type",
        "0\t2\tfixate",
        "2\t10\tup",
        "12\t12\tdown",
    ]


def test_people_keep_their_ids(data_set: Path) -> None:
    # A label has letters and digits only, so the Korean name has none and gets a number.
    rows = (data_set / "participants.tsv").read_text().splitlines()
    assert rows[0] == "participant_id\toriginal_id\tgroup\toriginal_id_of"
    assert rows[1:] == [
        "sub-HYPERLINK1\t=HYPERLINK(1)\t@control\tperson",
        "sub-p01\tp-01\tPSP\tperson",
        "sub-x001\t누구\tn/a\trecording",
    ]


def test_visits_are_sessions_with_the_day_of_their_first_recording(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    visits = [("2", "2026-09-01"), ("2", "2026-08-31"), ("2", "2026-09-02"), ("2", "")]
    visits += [("=3", ""), ("", "2026-01-01")]
    people = [
        replace(recordings[1], participant=Participant("p-1", "PSP", *visit)) for visit in visits
    ]
    export_bids([*people, recordings[2]], tmp_path)
    (path,) = tmp_path.rglob("*_sessions.tsv")
    assert path == tmp_path / "sub-p1" / "sub-p1_sessions.tsv"
    assert path.read_text().splitlines() == [
        "session_id\tacq_time\toriginal_visit",
        "ses-2\t2026-08-31T00:00:00\t2",
        "ses-3\tn/a\t=3",
    ]
    assert validate(tmp_path) == []


def test_different_people_never_share_a_label(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    one = recordings[1]
    people = [
        replace(one, participant=Participant(name)) for name in ("a-b", "ab", "AB", "가", "ab")
    ]
    export_bids(people, tmp_path)
    lines = (tmp_path / "participants.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    assert [row[1] for row in rows] == ["a-b", "ab", "AB", "가"]
    assert [row[0] for row in rows] == ["sub-abx001", "sub-abx002", "sub-ABx003", "sub-x001"]
    # The two recordings of one person are runs.
    assert len(list(tmp_path.rglob("*run-*_recording-eye1_physio.tsv.gz"))) == 2
    assert validate(tmp_path) == []


def test_long_ids_visits_and_paths_are_cut_and_stay_apart(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    """A file system takes names of 255 bytes; ids and visits have up to 128, paths have more."""
    people = [
        replace(recordings[1], participant=Participant("p" * 127 + end, visit="v" * 127 + visit))
        for end, visit in ("a1", "a2", "b1")
    ]
    nobody = replace(recordings[1], participant=None)
    paths = [replace(nobody, name="/".join(["folder" * 30] * 2 + [end])) for end in "ab"]
    export_bids([*people, *paths], tmp_path)
    lines = (tmp_path / "participants.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[1][-1] for line in lines] == ["a", "b", "a", "b"]
    assert len(list(tmp_path.glob("sub-*/ses-*"))) == 3
    assert len(list(tmp_path.rglob("*_recording-eye1_physio.tsv.gz"))) == 5
    assert validate(tmp_path) == []


def test_a_recording_called_as_a_person_is_not_that_person(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    one = replace(recordings[1], participant=None)
    export_bids(
        [
            replace(one, name="first", participant=Participant("P01", "PSP", "1")),
            replace(one, name="P01"),
            replace(one, name="P-01"),
            replace(one, name="second", participant=Participant("P01", "PSP", "1")),
        ],
        tmp_path,
    )
    lines = (tmp_path / "participants.tsv").read_text().splitlines()[1:]
    assert lines == [
        "sub-P01x001\tP01\tPSP\tperson",
        "sub-P01x002\tP01\tn/a\trecording",
        "sub-P01x003\tP-01\tn/a\trecording",
    ]
    folders = {path.parent.relative_to(tmp_path) for path in tmp_path.rglob("*_physio.json")}
    assert set(map(str, folders)) == {
        "sub-P01x001/ses-1/beh",
        "sub-P01x002/beh",
        "sub-P01x003/beh",
    }
    # Only the person's own recordings are runs: two, of two eyes.
    runs = [path.name for path in tmp_path.rglob("*_run-*_physio.json")]
    assert len(runs) == 4
    assert all(name.startswith("sub-P01x001_ses-1_") for name in runs)
    assert validate(tmp_path) == []


def test_visits_that_become_equal_stay_apart(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    one = recordings[1]
    visits = ("month 6", "month-6", "Month6")
    export_bids([replace(one, participant=Participant("p", "", it)) for it in visits], tmp_path)
    lines = (tmp_path / "sub-p" / "sub-p_sessions.tsv").read_text().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    assert [row[2] for row in rows] == [*visits]
    assert len({row[0].casefold() for row in rows}) == 3
    assert not list(tmp_path.rglob("*_run-*"))


def test_a_second_data_set_is_not_mixed_in(
    recordings: list[ExportedRecording], data_set: Path
) -> None:
    with pytest.raises(ExportInputError, match="holds a data set already"):
        export_bids(recordings, data_set)
