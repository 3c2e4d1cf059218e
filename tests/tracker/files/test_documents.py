"""Summaries of this and of earlier versions are read, anything else is refused."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.made_tracks import blink, make_landmarks, make_track
from tracker.files.documents import (
    SummaryFormatError,
    find_field,
    get_value,
    list_values,
    parse_summary,
)
from tracker.files.fields import Interval, ParticipantFields, Summary
from tracker.files.summary import summarize, to_json
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import parse_protocol

PROTOCOL = parse_protocol(
    [
        {"phase": "fixate", "start_s": 0, "end_s": 3},
        {"phase": "up", "start_s": 3, "end_s": 12},
        {"phase": "down", "start_s": 12, "end_s": 22.5},
    ]
)


def make_summary(parameters: Parameters) -> Summary:
    ear = np.full(720, 0.3)
    for start in (100, 300, 500):
        blink(ear, start, 6)
    gaze = np.where(np.arange(720) < 360, -0.05, 0.05)
    analysis = analyze_track(make_track(make_landmarks(ear, gaze)), parameters)
    return summarize(analysis, assess(analysis), "a.mp4")


def make_empty() -> Summary:
    """Of a recording in which nothing could be measured."""
    analysis = analyze_track(make_track(np.full((60, 40, 2), np.nan, np.float32)), Parameters())
    return summarize(analysis, assess(analysis), "a.mp4")


SUMMARIES = {
    "usual": lambda: make_summary(Parameters()),
    "protocol": lambda: make_summary(Parameters(protocol=PROTOCOL)),
    "empty": make_empty,
}


@pytest.fixture(scope="module", params=SUMMARIES)
def made(request: pytest.FixtureRequest) -> Summary:
    return SUMMARIES[request.param]()


@pytest.fixture
def document() -> dict[str, Any]:
    return copy.deepcopy(USUAL)


USUAL = make_summary(Parameters(protocol=PROTOCOL)).to_dict()


def test_what_is_written_is_read_again(made: Summary) -> None:
    text = to_json(made.to_dict(), indent=2)
    assert parse_summary(json.loads(text)) == (made, ())
    assert json.loads(text) == made.to_dict()
    # Recordings are analysed in processes of their own.
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_summary_is_plain() -> None:
    summary, _ = parse_summary(USUAL)
    assert summary.blink_count == 3
    assert isinstance(summary.blink_rate_per_min_ci95, Interval)
    assert summary.blink_rate_per_min_ci95.low < summary.blink_rate_per_min
    assert [phase.phase for phase in summary.phases] == ["fixate", "up", "down"]
    assert summary.phases[0].reached is None
    assert "resume_key" not in summary.to_dict()
    assert list(summary.to_dict())[:3] == ["source", "video_sha256", "frames_processed"]


def test_who_was_recorded_is_in_the_document_only_if_known(document: dict[str, Any]) -> None:
    assert "participant" not in document
    about = {"participant_id": "P-1", "visit": "month 6", "date": None}
    summary, lacks = parse_summary({**document, "participant": about})
    assert summary.participant == ParticipantFields("P-1", "month 6", None)
    assert lacks == ()
    assert summary.to_dict()["participant"] == about
    for wrong in ("P-1", {"participant_id": 1}, {"visit": "month 6"}):
        with pytest.raises(SummaryFormatError, match="participant"):
            parse_summary({**document, "participant": wrong})


def test_a_value_is_found_by_its_dotted_name() -> None:
    summary, _ = parse_summary(USUAL)
    assert get_value(summary, "parameters.vpp_thresh") == 0.06
    shape, about = find_field("parameters.vpp_thresh")
    assert (shape.kind, about.unit) == (float, "eye widths")
    for wrong in ("parameters", "parameters.nothing", "nothing"):
        with pytest.raises(KeyError):
            find_field(wrong)
    for name in list_values("gaze", "blinks", "quality", "video", "sampling"):
        get_value(summary, name)


def take(document: dict[str, Any], *path: str) -> None:
    for name in path[:-1]:
        document = document[name]
    del document[path[-1]]


class TestEarlierVersions:
    def test_what_can_be_null_may_be_missing(self, document: dict[str, Any]) -> None:
        take(document, "nod_allowance")
        take(document, "vertical_peak_to_peak_deg_range")
        take(document, "quality", "bits_per_eye")
        summary, lacks = parse_summary(document)
        assert lacks == (
            "vertical_peak_to_peak_deg_range",
            "nod_allowance",
            "quality.bits_per_eye",
        )
        assert summary.nod_allowance is summary.quality.bits_per_eye is None
        assert summary.vertical_peak_to_peak_deg_range == (None, None)

    @pytest.mark.parametrize(
        "path", [("blink_count",), ("sampling",), ("video_meta", "complete"), ("assessment",)]
    )
    def test_what_is_never_null_must_be_there(
        self, document: dict[str, Any], path: tuple[str, ...]
    ) -> None:
        take(document, *path)
        with pytest.raises(SummaryFormatError, match=f"{'.'.join(path)} is missing"):
            parse_summary(document)

    def test_or_only_what_its_reader_needs(self, document: dict[str, Any]) -> None:
        take(document, "sampling")
        take(document, "task")
        take(document, "phases")
        needed = ("blink_count", "perclos", "assessment.status")
        summary, lacks = parse_summary(document, needed)
        assert lacks == ("task", "phases", "sampling")
        assert summary.task is summary.sampling.step is None
        assert summary.phases == ()
        for path in (("perclos",), ("assessment", "status"), ("assessment",)):
            lacking = copy.deepcopy(document)
            take(lacking, *path)
            with pytest.raises(SummaryFormatError, match=rf"{'.'.join(path)} is missing"):
                parse_summary(lacking, needed)

    def test_of_list_items_too(self, document: dict[str, Any]) -> None:
        for phase in document["phases"]:
            del phase["held_offset"], phase["gaze_time_s"]
        with pytest.raises(SummaryFormatError, match=r"phases\.gaze_time_s is missing"):
            parse_summary(document)
        summary, lacks = parse_summary(document, ("phases.phase",))
        assert lacks == ("phases.gaze_time_s", "phases.held_offset")
        assert summary.phases[1].phase == "up"

    def test_what_a_later_version_added_is_left_out(self, document: dict[str, Any]) -> None:
        more = document | {"new": 1, "quality": document["quality"] | {"newer": [1]}}
        assert parse_summary(more) == parse_summary(document)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.update(blink_count=True), "blink_count is True, expected integer"),
        (lambda d: d.update(blink_count=3.0), "blink_count is 3.0, expected integer"),
        (lambda d: d.update(blink_count=None), "blink_count is None, expected integer"),
        (lambda d: d.update(blink_count="3"), "blink_count is '3', expected integer"),
        (lambda d: d.update(perclos=False), "perclos is False, expected number"),
        (lambda d: d.update(perclos="0"), "perclos is '0', expected number"),
        (lambda d: d.update(partial=0), "partial is 0, expected boolean"),
        (lambda d: d.update(source=None), "source is None, expected string"),
        (lambda d: d.update(task="nothing"), "expected protocol or up_down or extended or unknown"),
        (lambda d: d["assessment"].update(status="better"), "assessment.status is 'better'"),
        (lambda d: d["assessment"].update(reasons={}), "assessment.reasons is {}, expected a list"),
        (lambda d: d["assessment"].update(reasons=[1]), "reasons is 1, expected an object"),
        (lambda d: d.update(quality=[]), r"quality is \[\], expected an object"),
        (lambda d: d.update(blink_rate_per_min_ci95=[1]), "expected two numbers or nulls"),
        (lambda d: d.update(blink_rate_per_min_ci95=[1, True]), "expected two numbers or nulls"),
        (lambda d: d.update(blink_rate_per_min_ci95={"0": 1, "1": 2}), "expected two numbers"),
        (lambda d: d.update(phases=None), "phases is None, expected a list"),
        (lambda d: d["phases"][0].update(start_s="0"), "phases.start_s is '0', expected number"),
    ],
)
def test_a_value_of_another_type_is_refused(
    document: dict[str, Any], spoil: Callable[[dict[str, Any]], None], words: str
) -> None:
    spoil(document)
    with pytest.raises(SummaryFormatError, match=words):
        parse_summary(document)


@pytest.mark.parametrize("other", [None, [], "summary", 3, math.nan])
def test_what_is_no_object_is_refused(other: Any) -> None:
    with pytest.raises(SummaryFormatError, match=r"the summary is .*, expected an object"):
        parse_summary(other)


def test_a_message_stays_short(document: dict[str, Any]) -> None:
    document["task"] = "x" * 10_000
    with pytest.raises(SummaryFormatError) as caught:
        parse_summary(document)
    assert len(str(caught.value)) < 200
