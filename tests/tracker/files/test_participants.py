from pathlib import Path

import pytest

from tracker.files.participants import (
    NOBODY,
    Participant,
    ParticipantsError,
    find_participants,
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no row"),
        ("id\np1\n", "line 2: participant_id is missing"),
        ("participant_id\np1\n\n \nn/a\n", "participant_id is missing"),
        ("participant_id\np1\np1\n", "line 3: p1 is there twice"),
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
