import csv
import json
import os
import shutil
from pathlib import Path

import openpyxl
import pytest

from tracker.cli.export import FORMATS
from tracker.cli.main import main


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("bids", {"dataset_description.json", "participants.tsv"}),
        ("fhir", {"누구.fhir.json"}),
        ("excel", {"results.xlsx"}),
        ("ndjson", {"recordings.ndjson", "blinks.ndjson", "frames.ndjson"}),
    ],
)
def test_each_format_is_written(
    name: str,
    files: set[str],
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    assert main(["export", str(results), "--format", name, "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert files <= {Path(line).name for line in printed}
    assert all(Path(line).is_file() for line in printed)


def read_names(out: Path, name: str) -> list[str]:
    """Return the recordings' names in what was exported in a format, in order."""
    if name == "bids":
        with (out / "participants.tsv").open(encoding="utf-8", newline="") as file:
            return [row["original_id"] for row in csv.DictReader(file, delimiter="\t")]
    if name == "excel":
        book = openpyxl.load_workbook(out / "results.xlsx")
        return [str(row[0]) for row in book["recordings"].iter_rows(2, values_only=True)]
    if name == "fhir":
        paths = sorted(out.rglob("*.fhir.json"))
        return [path.relative_to(out).as_posix().removesuffix(".fhir.json") for path in paths]
    lines = (out / "recordings.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["recording"] for line in lines]


@pytest.mark.parametrize("name", FORMATS)
def test_equal_names_in_two_folders_are_told_apart_or_refused(
    name: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    visits = [tmp_path / "visit1", tmp_path / "visit2"]
    for visit in visits:
        shutil.copytree(results / "p-01", visit)
    out = tmp_path / "out"
    assert main(["export", *map(str, visits), "--format", name, "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(set(printed))
    assert read_names(out, name) == ["visit1/first", "visit2/first"]
    files = [str(visit / "first.summary.json") for visit in visits]
    refused = tmp_path / "refused"
    assert main(["export", *files, "--format", name, "--out", str(refused)]) == 3
    assert "would both be called first" in capsys.readouterr().err
    assert list(refused.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_name_that_is_not_utf_8_stops_no_format(
    name: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder, out = tmp_path / "results", tmp_path / "out"
    folder.mkdir()
    for path in (results / "p-01").iterdir():
        shutil.copy(path, folder / path.name.replace("first", os.fsdecode(b"a\xff")))
    assert main(["export", str(folder), "--format", name, "--out", str(out)]) == 0
    assert read_names(out, name) == ["a\N{REPLACEMENT CHARACTER}"]
    for path in folder.glob("a*"):
        path.rename(folder / path.name.replace(os.fsdecode(b"a\xff"), "a\x1b[31m"))
    assert main(["export", str(folder), "--format", name, "--out", str(tmp_path / "b")]) == 0
    # No name of a file commands the terminal.
    assert "\x1b" not in "".join(capsys.readouterr())


def test_a_long_name_in_another_encoding_is_exported(results: Path, tmp_path: Path) -> None:
    """60 syllables in EUC-KR are 120 bytes, and 120 marks of 3 bytes in place of what is wrong."""
    stem = os.fsdecode(("누구" * 30).encode("euc_kr"))
    folder, out = tmp_path / "results" / stem, tmp_path / "out"
    folder.mkdir(parents=True)
    for number in "12":
        for path in (results / "p-01").iterdir():
            shutil.copy(path, folder / path.name.replace("first", stem + number))
    assert main(["export", str(folder.parent), "--format", "fhir", "--out", str(out)]) == 0
    assert len(list(out.rglob("*.fhir.json"))) == 2


def test_a_named_result_is_that_of_its_own_folder(results: Path, tmp_path: Path) -> None:
    """The table has a row of another video of its name, too."""
    folder = Path(shutil.copytree(results / "p-01", tmp_path / "study" / "tuesday"))
    table = tmp_path / "study" / "participants.tsv"
    table.write_text("participant_id\tfile\nP-1\tfirst.mp4\nP-2\ttuesday/first.mp4\n")
    out = tmp_path / "out"
    options = ["--participants", str(table), "--format", "ndjson", "--out", str(out)]
    assert main(["export", str(folder / "first.summary.json"), *options]) == 0
    (line,) = (out / "recordings.ndjson").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["participant_id"] == "P-2"


def test_the_table_of_a_folder_is_used(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    folder, out = tmp_path / "results", tmp_path / "out"
    shutil.copytree(results, folder)
    with (folder / "participants.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("participant_id", "group"), ("p-01", "PSP")])
    assert main(["export", str(folder), "--format", "ndjson", "--out", str(out)]) == 0
    assert "does not say who 누구 is" in capsys.readouterr().err
    lines = (out / "recordings.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("group") for line in lines] == [None, "PSP", None]


def test_without_a_table_it_is_said_that_each_recording_is_a_person(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    arguments = ["--format", "ndjson", "--out"]
    assert main(["export", str(results), *arguments, str(tmp_path / "a")]) == 0
    assert "each recording counts as another person" in capsys.readouterr().err
    table = tmp_path / "participants.csv"
    table.write_text("participant_id\np-01\n")
    arguments = ["--participants", str(table), *arguments]
    assert main(["export", str(results), *arguments, str(tmp_path / "b")]) == 0
    assert "counts as another person" not in capsys.readouterr().err
    one = str(sorted(results.rglob("*.summary.json"))[0])
    assert main(["export", one, "--format", "ndjson", "--out", str(tmp_path / "c")]) == 0
    assert "counts as another person" not in capsys.readouterr().err


def test_wrong_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["export", str(empty), "--format", "fhir", "--out", str(tmp_path)]) == 3
    assert "no results found" in capsys.readouterr().err
    bad = tmp_path / "bad.summary.json"
    bad.write_text("{}")
    assert main(["export", str(bad), "--format", "fhir", "--out", str(tmp_path)]) == 3
    assert "bad.summary.json" in capsys.readouterr().err
    options = ["--format", "fhir", "--out", str(tmp_path), "--participants"]
    with pytest.raises(SystemExit) as exit_:
        main(["export", str(empty), *options, str(tmp_path / "none.tsv")])
    assert exit_.value.code == 2
    assert "cannot be read" in capsys.readouterr().err
