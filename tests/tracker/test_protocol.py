"""Protocols that are read, and the guided tasks that app, web client and command line share."""

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tracker.files.dictionary import make_task_script
from tracker.parameters import Parameters
from tracker.protocol import (
    EXTENDED_FRAMES,
    GUIDED_TASKS,
    PAUSE_S,
    PHASES,
    Phase,
    plan_protocol,
    read_protocol,
)

ROOT = Path(__file__).parents[2]
WEB = ROOT / "handler" / "web"


def test_the_extended_task_asks_for_what_was_agreed() -> None:
    parts = [part.instructions for part in GUIDED_TASKS["extended"]]
    assert parts == [
        (("fixate", 10),),
        tuple((phase, 2) for phase in ("up", "down") * 4),
        tuple((phase, 2) for phase in ("left", "right") * 4),
        (("up", 5), ("down", 5)),
        (("rest", 60),),
    ]
    assert sum(seconds for part in parts for _, seconds in part) == 112


def test_the_plan_has_a_pause_between_two_parts() -> None:
    plan = plan_protocol("extended")
    times_s = {(one.start_s, one.end_s, one.phase) for one in plan}
    # 10 s, a pause, 16 s, a pause, 16 s, a pause, 10 s, a pause, 60 s.
    assert {(0, 10, "fixate"), (13, 15, "up"), (32, 34, "left"), (51, 56, "up")} <= times_s
    assert {(56, 61, "down"), (64, 124, "rest")} <= times_s
    total_s: dict[str, float] = defaultdict(float)
    for one in plan:
        total_s[one.phase] += one.end_s - one.start_s
    assert total_s == {"fixate": 10, "up": 13, "down": 13, "left": 8, "right": 8, "rest": 60}


def test_the_web_client_asks_for_the_same() -> None:
    script = (WEB / "task.js").read_text(encoding="utf-8")
    assert script == make_task_script(), "it is stale: run `make docs`"
    # Read without the code that wrote it.
    assert float(re.search(r"PAUSE_S = ([\d.]+);", script)[1]) == PAUSE_S  # type: ignore[index]
    for task, parts in GUIDED_TASKS.items():
        (lines,) = re.findall(rf"  {task}: \[\n(.*?)\n  \],", script, re.DOTALL)
        told = json.loads(f"[{lines.rstrip(',')}]")
        assert told == [
            [part.name, [[phase, seconds] for phase, seconds in part.instructions]]
            for part in parts
        ]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_web_client_has_words_for_every_prompt(language: str) -> None:
    text = (WEB / "texts.js").read_text(encoding="utf-8")
    english, korean = text.split("\n  ko: {")
    keys = set(re.findall(r"^    (\w+):", english if language == "en" else korean, re.MULTILINE))
    for task, parts in GUIDED_TASKS.items():
        assert {f"task_{task}", f"noteTask_{task}", f"noteTones_{task}"} <= keys
        assert {f"next_{part.name}" for part in parts[1:]} <= keys
        assert {phase for part in parts for phase, _ in part.instructions} <= keys & set(PHASES)


def test_the_documentation_lists_the_extended_task() -> None:
    page = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (\d+) s \|$", page, re.MULTILINE)
    told = [(name, int(seconds)) for name, _, seconds in rows]
    assert told == [
        (part.name, sum(seconds for _, seconds in part.instructions))
        for part in GUIDED_TASKS["extended"]
    ]


def test_most_frames_does_not_cut_the_extended_task() -> None:
    seconds = plan_protocol("extended")[-1].end_s
    for fps in (30, 120, 240):
        assert Parameters(task="extended").most_frames >= fps * seconds
    assert Parameters(task="extended", max_frames=200_000).most_frames == 200_000
    assert Parameters(task="extended", max_frames=5).most_frames == EXTENDED_FRAMES
    assert Parameters(task="up_down").most_frames == 12_000
    assert Parameters(max_frames=5).most_frames == 5


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
