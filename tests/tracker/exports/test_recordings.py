import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.made_results import BLINK_FRAMES, DOWN, FPS, PEOPLE, UP
from tracker.exports.recordings import ExportedRecording, ExportInputError, find_results
from tracker.files.participants import NOBODY, Participant, Participants
from tracker.video.container import InputError

PEOPLE_FOUND = [PEOPLE.by_id["=HYPERLINK(1)"], PEOPLE.by_id["p-01"]]


def test_recordings_are_found_with_who_was_recorded(recordings: list[ExportedRecording]) -> None:
    assert [(one.name, one.participant) for one in recordings] == [
        ("=HYPERLINK(1)/-2+3", PEOPLE.by_id["=HYPERLINK(1)"]),
        ("p-01/first", PEOPLE.by_id["p-01"]),
        ("누구", None),
    ]


def name_in_summary(path: Path, **person: object) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    about = {"participant_id": "@7", "visit": "1", "date": "2026-03-05", **person}
    path.write_text(json.dumps(document | {"participant": about}), encoding="utf-8")


def test_a_summary_says_who_was_recorded_where_no_table_does(results: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    for name in ("p-01/first", "누구"):
        name_in_summary(folder / f"{name}.summary.json")
    said = Participant("@7", "", "1", "2026-03-05")
    for table, expected in ((NOBODY, [None, said, said]), (PEOPLE, [*PEOPLE_FOUND, said])):
        found = find_results([folder], table)
        assert [getattr(one, "participant", "no recording") for one in found] == expected


@pytest.mark.parametrize(
    "person",
    [
        {"participant_id": "a\x1bb"},
        {"participant_id": "a" * 129},
        {"date": "yesterday"},
        {"date": "20260301"},
    ],
    ids=["escape", "long", "no date", "short date"],
)
def test_a_summary_that_names_an_impossible_person_is_refused(
    person: dict[str, str], results: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(results / "p-01", tmp_path / "results"))
    name_in_summary(folder / "first.summary.json", **person)
    (error,) = find_results([folder], NOBODY)
    assert isinstance(error, InputError)
    assert "first.summary.json" in str(error)


def test_tables_are_read_with_their_types(recordings: list[ExportedRecording]) -> None:
    frames, blinks = recordings[1].read_frames(), recordings[1].read_blinks()
    assert len(frames) == 24 * FPS
    assert frames[100]["frame_idx"] == 100
    assert frames[100]["time_sec"] == pytest.approx(100 / FPS)
    assert frames[100]["v_offset"] == pytest.approx(-UP, abs=0.01)
    assert frames[-1]["v_offset"] == pytest.approx(DOWN, abs=0.01)
    assert frames[100]["gaze_valid"] is True
    assert frames[100]["event"] is None
    assert frames[BLINK_FRAMES[0]]["event"] == "blink"
    assert [row["kind"] for row in blinks] == ["blink"] * 3
    for row, start in zip(blinks, BLINK_FRAMES, strict=True):
        assert row["onset_s"] == pytest.approx(start / FPS, abs=1 / FPS)
        assert row["complete"] is True


def test_results_from_before_the_table_of_saccades_have_no_rows(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    now = ExportedRecording("a", tmp_path, "a", recordings[1].summary, None)
    with pytest.raises(ExportInputError, match="is missing"):
        now.read_saccades()
    summary = replace(
        now.summary, vertical_saccade_count=None, vertical_saccade_time_ms_reason=None
    )
    assert replace(now, summary=summary).read_saccades() == []
    assert recordings[1].read_saccades()


def test_a_summary_is_found_once_and_hidden_files_never(results: Path, tmp_path: Path) -> None:
    # Other tests read the results, too.
    results = Path(shutil.copytree(results, tmp_path / "results"))
    hidden = results / ".trash"
    hidden.mkdir()
    (hidden / "old.summary.json").write_text("{}")
    found = list(find_results([results, results / "p-01", results / "누구.summary.json"], NOBODY))
    assert len(found) == 3


def make_visits(results: Path, folder: Path, *names: str) -> list[Path]:
    """Copy one recording's results, ``first.*``, to several folders, and return the folders."""
    return [Path(shutil.copytree(results / "p-01", folder / name)) for name in names]


def test_several_folders_are_kept_apart_by_their_names(results: Path, tmp_path: Path) -> None:
    """The names are those that `analyze` gives the results of several folders."""
    one, two = make_visits(results, tmp_path, "visit1", "visit2")
    people = Participants({"visit2/first": Participant("p-02")}, {"visit1": Participant("p-01")})
    found = [
        found for found in find_results([one, two], people) if isinstance(found, ExportedRecording)
    ]
    assert [(one.name, one.stem) for one in found] == [
        ("visit1/first", "first"),
        ("visit2/first", "first"),
    ]
    assert [one.participant for one in found] == [Participant("p-01"), Participant("p-02")]
    inner = find_results([tmp_path], NOBODY)
    assert [getattr(one, "name", one) for one in inner] == ["visit1/first", "visit2/first"]
    assert [getattr(one, "name", one) for one in find_results([two], NOBODY)] == ["first"]


@pytest.mark.parametrize(
    ("places", "ending"),
    [
        (("a/out", "b/out"), ""),
        # Many file systems do not tell these apart.
        (("a/out", "b/OUT"), ""),
        (("a/caf\u00e9", "b/cafe\u0301"), ""),
        (("visit1", "visit2"), "first.summary.json"),
    ],
)
def test_results_of_one_name_are_refused(
    places: tuple[str, str], ending: str, results: Path, tmp_path: Path
) -> None:
    paths = [one / ending for one in make_visits(results, tmp_path, *places)]
    with pytest.raises(ExportInputError, match=r"would both be called .*first") as caught:
        list(find_results(paths, NOBODY))
    for place in places:
        assert f"{place}/first.summary.json" in str(caught.value)
    # Both remedies of the message work.
    assert len(list(find_results([tmp_path], NOBODY))) == 2
    assert [len(list(find_results([path], NOBODY))) for path in paths] == [1, 1]


@pytest.mark.parametrize("names", [(b"a\xff", b"a\xfe"), (b"A", b"a")])
def test_results_of_one_name_in_a_folder_are_refused(
    names: tuple[bytes, bytes], results: Path, tmp_path: Path
) -> None:
    """They are in one folder already, so that to name it is no remedy."""
    paths = [tmp_path / f"{os.fsdecode(name)}.summary.json" for name in names]
    for path in paths:
        shutil.copy(results / "p-01" / "first.summary.json", path)
    with pytest.raises(ExportInputError, match="Rename the files of one, or export one at a time"):
        list(find_results([tmp_path], NOBODY))
    # Both remedies work.
    assert [len(list(find_results([path], NOBODY))) for path in paths] == [1, 1]
    paths[1].rename(tmp_path / "b.summary.json")
    assert len(list(find_results([tmp_path], NOBODY))) == 2


def test_a_file_is_no_second_of_its_own_name(results: Path, tmp_path: Path) -> None:
    (folder,) = make_visits(results, tmp_path, "visit1")
    found = find_results([folder, folder, folder / "first.summary.json"], NOBODY)
    assert [getattr(one, "name", one) for one in found] == ["visit1/first"]


def test_what_cannot_be_searched_is_told(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(results, tmp_path / "results"))
    (folder / "round.summary.json").symlink_to("round.summary.json")
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("p-01"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = list(find_results([folder], NOBODY))
    assert [one.name for one in found if isinstance(one, ExportedRecording)] == [
        "=HYPERLINK(1)/-2+3",
        "누구",
    ]
    locked, loop = (str(one) for one in found if isinstance(one, InputError))
    assert locked == f"{folder / 'p-01'}: cannot be read (Permission denied)."
    assert loop.startswith("round.summary.json: it cannot be read")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{}", "name a STEM.summary.json"),
        ("a.summary.json", "{", "not a summary"),
        ("a.summary.json", "[" * 100_000, "not a summary"),
        ("a.summary.json", "[]", "expected an object"),
        ("a.summary.json", '{"source": 3}', "source is 3"),
        ("a.summary.json", " " * (4 * 2**20 + 1), "over 4 MB"),
        ("a.summary.json", None, "cannot be read"),
    ],
)
def test_what_is_no_summary_is_told(
    name: str, content: str | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    (error,) = find_results([tmp_path / name], NOBODY)
    assert isinstance(error, InputError)
    assert message in str(error)
    # A file that is missing is not made by measuring anew, nor is its version at fault.
    assert ("reanalyze" in str(error)) == (
        message not in ("cannot be read", "name a STEM.summary.json")
    )
    assert "of this version" not in str(error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is missing"),
        ("frame_idx,time_sec\n0,nan\n", "damaged"),
        ("frame_idx,time_sec\n0,1e999\n", "damaged"),
        ("frame_idx,time_sec\n0.5,0\n", "damaged"),
        ("frame_idx,gaze_valid\n0,yes\n", "damaged"),
        ('frame_idx\n"0\n', "damaged"),
        (b"frame_idx\n\xff\n", "damaged"),
    ],
)
def test_a_damaged_table_is_refused(
    text: str | bytes | None,
    message: str,
    recordings: list[ExportedRecording],
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.frames.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    recording = ExportedRecording("a", tmp_path, "a", recordings[0].summary, None)
    with pytest.raises(ExportInputError, match=message):
        recording.read_frames()
