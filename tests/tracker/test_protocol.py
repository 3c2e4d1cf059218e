from pathlib import Path

import pytest

from tracker.protocol import Phase, read_protocol


def read(folder: Path, text: str):
    path = folder / "sub-1_task-updown_events.tsv"
    path.write_text(text, encoding="utf-8")
    return read_protocol(path)


def test_a_bids_table_of_events_is_a_protocol(tmp_path: Path) -> None:
    table = (
        "\ufeffonset\tduration\ttrial_type\tvalue\n"
        "0\t2.1\tfixate\t1\n1\t0\tn/a\t2\n2.1\t9.9\tup\t3\n12\t12\tdown\t4\n"
    )
    assert read(tmp_path, table) == (
        Phase("fixate", 0.0, 2.1),
        Phase("up", 2.1, 12.0),
        Phase("down", 12.0, 24.0),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onset\tduration\ttrial_type\n0\t1\tn/a\n", "no phase"),
        ("onset\tduration\n0\t1\n", "trial_type"),
        ("onset\tduration\ttrial_type\n0\tn/a\tup\n", "cannot be read as a table"),
        ("onset\tduration\ttrial_type\n0\n", "cannot be read as a table"),
        ("onset\tduration\ttrial_type\n0\t1\tDown\n", "phase is 'Down', expected one of up"),
        ("onset\tduration\ttrial_type\n0\tnan\tup\n", "expected"),
        ("onset\tduration\ttrial_type\n0\t0\tup\n", "expected"),
        ("onset\tduration\ttrial_type\n0\t2\tup\n1\t2\tdown\n", "overlap|before|after"),
        ('onset\tduration\ttrial_type\n"0\t2\tup\n', "cannot be read as a table"),
    ],
)
def test_a_table_that_is_no_protocol_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)
