import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tracker.files.documents import load_summary
from tracker.files.fields import ParticipantFields
from tracker.files.participants import (
    NOBODY,
    Participant,
    ParticipantsError,
    find_participants,
    read_participant_of,
    read_participants,
)


def read(folder: Path, text: str, name: str = "participants.tsv"):
    (folder / name).write_text(text, encoding="utf-8")
    return read_participants(folder / name)


def test_a_row_belongs_to_a_stem_or_a_folder(tmp_path: Path) -> None:
    table = read(tmp_path, "participant_id\tgroup\tage\nsub-7\tPSP\t70\np2\tn/a\t\n")
    seven, two = Participant("sub-7", "PSP"), Participant("p2")
    assert table.find("sub-7/visit1") == seven
    assert table.find("a/p2") == two
    assert table.find("sub-p2/p2-x") == two
    assert table.find("p22") is None
    assert NOBODY.find("p2") is None


def test_a_row_with_a_file_comes_first(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        "\ufefffile,participant_id,visit,date\n"
        "p1/a.mp4,p1,baseline,2025-01-31\np1/b.mp4,p1,month 6,2025-07-31\n,p1,,\n",
        "participants.csv",
    )
    assert table.find("p1/a", "a.mp4") == Participant("p1", "", "baseline", "2025-01-31")
    # The results of a.mp4 beside a.mov are called a.mp4.
    assert table.find("p1/b.mp4", "b.mp4").visit == "month 6"
    assert table.find("p1/c", "c.mp4") == Participant("p1")


def test_a_file_without_a_folder_is_in_none(tmp_path: Path) -> None:
    """Phones call the videos of different people IMG_0001.MOV."""
    table = read(tmp_path, "participant_id\tfile\nP-1\tIMG_0001.MOV\n")
    for name in ("IMG_0001", "IMG_0001.MOV"):
        assert table.find(name, "IMG_0001.MOV") == Participant("P-1")
        assert table.find(f"tuesday/{name}", f"tuesday/{name}") is None


def test_a_file_is_found_by_its_place_beside_the_table(tmp_path: Path) -> None:
    """Two videos have one name; whoever names one of them alone gives no folder."""
    (tmp_path / "study" / "tuesday").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "study" / "tuesday")
    rows = "participant_id\tfile\nP-1\tIMG_1.MOV\nP-2\ttuesday/IMG_1.MOV\n"
    table = read(tmp_path / "study", rows)
    for place in ("study/tuesday", "study/monday/../tuesday", "link"):
        assert table.find("IMG_1", "IMG_1.MOV", tmp_path / place) == Participant("P-2")
    assert table.find("IMG_1", "x.MOV", tmp_path / "study") == Participant("P-1")
    # Outside of the table's folder, nothing but the name says where it is.
    assert table.find("IMG_1", "", tmp_path) == Participant("P-1")
    assert table.find("tuesday/IMG_1", "", tmp_path / "results" / "tuesday") == Participant("P-2")


@pytest.mark.parametrize("of_table", ["NFC", "NFD"])
@pytest.mark.parametrize("of_file", ["NFC", "NFD"])
def test_names_are_found_as_macos_writes_them(
    of_table: Literal["NFC", "NFD"], of_file: Literal["NFC", "NFD"], tmp_path: Path
) -> None:
    """There, a syllable of Korean is up to three characters, and é is two."""
    rows = "participant_id\tfile\nP-1\t방문/철수.mp4\nP-2\t방문/é.mp4\n환자\t\n"
    table = read(tmp_path, unicodedata.normalize(of_table, rows))

    def find(name: str, source: str = "", directory: str = "") -> Participant | None:
        names = [unicodedata.normalize(of_file, one) for one in (name, source, directory)]
        return table.find(names[0], names[1], tmp_path / names[2])

    assert find("방문/철수") == find("철수", "", "방문") == Participant("P-1")
    assert find("방문/a", "é.mp4") == Participant("P-2")
    assert find("환자/a") == Participant("환자")


def test_a_row_with_a_file_is_of_that_file_alone(tmp_path: Path) -> None:
    """The file p01 is no folder of this name, and the file visit.1 is not the video visit.mp4."""
    table = read(tmp_path, "participant_id\tfile\nP-1\tp01\nP-2\ts/visit.1\nP-3\ts/b.MOV\n")
    for source in ("", "a.mp4", "a.track.npz"):
        assert table.find("p01/a", source) is None
    assert table.find("p01", "p01.mp4") == table.find("p01") == Participant("P-1")
    assert table.find("s/visit", "visit.mp4") is None
    assert table.find("s/visit.2", "visit.2.mp4") is None
    assert table.find("s/visit.1", "visit.1.mp4") == Participant("P-2")
    assert table.find("s/visit.1") == Participant("P-2")


def test_a_video_without_a_videos_suffix_is_not_its_namesake(tmp_path: Path) -> None:
    """`analyze` knows the videos t.1 and t.2 by their content, and calls the results t."""
    table = read(tmp_path, "participant_id\tfile\nP-1\ts/t.mp4\nP-2\ts/t.2\nu\t\n")
    assert table.find("s/t", "s/t.mp4") == Participant("P-1")
    assert table.find("s/t", "s/t.1") is None
    assert table.find("s/t", "s/t.2") == Participant("P-2")
    assert table.find("s/u", "s/u.1") == Participant("u")


@pytest.mark.parametrize(
    ("name", "video", "results"),
    [
        ("s/b", "s/b.mov", "s/b"),
        # Another video, b.mp4, lies beside it.
        ("s/b", "s/b.mov", "s/b.mov"),
        ("s/b.1", "s/b.1.mp4", "s/b.1"),
        ("p9/c", "p9/c.mov", "p9/c.mov"),
        ("p9", "p9.mov", "p9.mov"),
    ],
)
def test_the_video_its_results_and_its_track_are_the_same_persons(
    name: str, video: str, results: str, tmp_path: Path
) -> None:
    """Asked as `analyze`, `export` (of results of a video, or of a track) and `reanalyze` do."""
    table = read(
        tmp_path,
        "participant_id\tfile\nP-1\ts/b.mov\nP-2\ts/b.1.mp4\np9\t\ns\t\n",
    )
    whom = {"s/b": "P-1", "s/b.1": "P-2", "p9/c": "p9", "p9": "p9"}[name]
    track = f"{results.split('/')[-1]}.track.npz"
    for asked in ((name, video), (results, video), (results, track), (results,)):
        assert table.find(*asked) == Participant(whom), asked


@pytest.mark.parametrize("name", ["participants.csv", "participants.tsv"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write_is_read(name: str, separator: str, tmp_path: Path) -> None:
    """A byte order mark, Windows' line ends, quotes, and the separator of the country."""
    text = '\ufefffile, participant_id,group\r\np1/a.mp4,p1,"PSP, RS"\r\n'
    text = text.replace(",", separator).replace(f"PSP{separator} RS", "PSP, RS")
    assert read(tmp_path, text, name).find("p1/a", "a.mp4") == Participant("p1", "PSP, RS")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_columns_name_may_hold_the_other_separators(separator: str, tmp_path: Path) -> None:
    names = ["participant_id", '"a, b; c\t d, e; f\t g, h; i\t"', "group"]
    text = f"{separator.join(names)}\np1{separator}x{separator}PSP\n"
    for name in ("participants.csv", "participants.tsv"):
        assert read(tmp_path, text, name).find("p1") == Participant("p1", "PSP")


def test_a_table_without_ids_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(ParticipantsError, match="Columns: Subject, group"):
        read(tmp_path, "Subject\tgroup\np1\tPSP\n")


def test_korean_windows_own_text_is_told_how_to_be_saved(tmp_path: Path) -> None:
    (tmp_path / "participants.csv").write_bytes("participant_id,group\np1,대조군\n".encode("cp949"))
    with pytest.raises(ParticipantsError, match="CSV UTF-8"):
        read_participants(tmp_path / "participants.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no row"),
        ("id\np1\n", "line 2: participant_id is missing"),
        ("participant_id\np1\n\n \nn/a\n", "participant_id is missing"),
        ("participant_id\np1\np1\n", "line 3: p1 is there twice"),
        ("participant_id\n\n\np1\n\np1\n", "line 6: p1 is there twice"),
        ('participant_id\tnote\r\np1\t"a\r\nb"\r\np1\tc\r\n', "line 4: p1 is there twice"),
        ("participant_id\tdate\np1\t31.1.2025\n", "expected YYYY-MM-DD"),
        ("participant_id\tdate\np1\t2025-02-30\n", "expected YYYY-MM-DD"),
        ("participant_id\tgroup\np1\t" + "x" * 129 + "\n", "longer than 128"),
        ("participant_id\np\x1b[2J1\n", "cannot be printed"),
        ('participant_id\n"p1\n', "not a table"),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ParticipantsError, match=message):
        read(tmp_path, text)


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "participants.csv").write_bytes(b"participant_id\n\xff\n")
    with pytest.raises(ParticipantsError, match="UTF-8"):
        read_participants(tmp_path / "participants.csv")
    with pytest.raises(ParticipantsError, match="cannot be read"):
        read_participants(tmp_path / "none.csv")


def test_one_table_is_found(tmp_path: Path) -> None:
    assert find_participants([tmp_path]) is None
    (tmp_path / "participants.tsv").touch()
    assert find_participants([tmp_path]) == tmp_path / "participants.tsv"
    (tmp_path / "participants.csv").touch()
    with pytest.raises(ParticipantsError, match="several"):
        find_participants([tmp_path])


@pytest.mark.parametrize("code", ["", " ", "\u3000"])
def test_an_empty_id_in_a_summary_names_nobody(results: Path, code: str) -> None:
    """Else, all recordings with an empty id would be of one person."""
    summary = load_summary(results / "p-01" / "first.summary.json")
    said = ParticipantFields(code, "month 6", None)
    assert read_participant_of(replace(summary, participant=said)) is None
    named = replace(summary, participant=replace(said, participant_id="p 1"))
    assert read_participant_of(named) == Participant("p 1", "", "month 6")
