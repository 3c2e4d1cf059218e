"""Each field of the summary is declared once, and everything else follows from that."""

import dataclasses
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import jsonschema
import pytest

from tests.made_tracks import make_landmarks, make_track
from tracker.files import columns, dictionary, summary
from tracker.files.documents import describe_record, find_field, list_values, read_record
from tracker.files.fields import Field, Interval, Prefix, Summary
from tracker.measures.analysis import Measures, analyze_track
from tracker.measures.assessment import assess
from tracker.measures.phases import PhaseResult
from tracker.measures.quality import Quality
from tracker.parameters import Parameters

ROOT = Path(__file__).parents[3]


def find_records(record: type) -> list[type]:
    found = [record]
    for shape, _ in read_record(record).values():
        inner = shape.item or shape.kind
        if is_dataclass(inner):
            found += find_records(inner)
    return found


FIELDS = [
    pytest.param(shape, about, id=f"{record.__name__}.{name}")
    for record in find_records(Summary)
    for name, (shape, about) in read_record(record).items()
    if not is_dataclass(shape.kind) and name != "phases"
]


@pytest.mark.parametrize(("shape", "about"), FIELDS)
def test_each_field_says_what_it_is(shape: Any, about: Field) -> None:
    assert about.group in dictionary.GROUPS
    assert about.meaning.endswith(".")
    assert "\n" not in about.meaning + about.en + about.ko
    # What Korean readers know by its letters stands as it is.
    assert re.search("[가-힣]", about.ko)
    assert about.en
    assert not re.search("[가-힣]", about.en)
    # What a table of the report shows has a name for each of its values.
    if about.values:
        assert tuple(about.values) == shape.choices


def test_what_the_report_s_tables_show_has_a_name_for_each_value() -> None:
    names = list_values(*dictionary.GROUPS)
    assert {"blink_count", "quality.sharpness", "vertical_peak_to_peak_ci95", "task"} <= {*names}
    assert {
        "source",
        "vertical_saccade_time_ms_reason",
        "phases",
        "parameters.protocol",
    }.isdisjoint(names)
    for name in names:
        shape, about = find_field(name)
        if shape.choices and about.group != "assessment":
            assert tuple(about.values) == shape.choices, name


@pytest.mark.parametrize("unit", ["s", "px", "deg"])
def test_the_unit_in_a_name_is_the_field_s(unit: str) -> None:
    found = [
        name
        for name in list_values(*dictionary.GROUPS)
        if name.endswith(f"_{unit}") and not name.endswith("_per_s")
    ]
    assert found
    assert {name: find_field(name)[1].unit for name in found} == dict.fromkeys(found, unit)


@pytest.mark.parametrize(
    ("measured", "path"),
    [(Measures, ""), (Quality, "quality."), (PhaseResult, None)],
    ids=["Measures", "Quality", "PhaseResult"],
)
def test_what_is_measured_is_a_field_of_its_type(measured: type, path: str | None) -> None:
    for name, hint in get_type_hints(measured).items():
        if path is None:
            shape, _ = read_record(read_record(Summary)["phases"][0].item)[name]
        else:
            known = {"duration_s": "duration_sec_est"}.get(name, name)
            shape, _ = find_field(path + known)
        if hint == tuple[float, float]:
            assert shape.kind is Interval, name
        else:
            assert shape.kind in (hint, *getattr(hint, "__args__", ())), name


@pytest.mark.parametrize("name", [field.name for field in fields(Parameters)])
def test_each_parameter_is_in_the_summary(name: str) -> None:
    assert name in read_record(read_record(Summary)["parameters"][0].kind)


def test_a_new_measure_is_declared_where_it_is_measured_and_in_fields() -> None:
    """Two classes and the measure's test are all that has to change."""
    new = "vertical_drift_px"
    extended = dataclasses.make_dataclass(
        "Extended",
        [(new, Annotated[float | None, Field("gaze", "px", "It drifts.", "Drift", "흐름")])],
        bases=(Summary,),
        frozen=True,
        kw_only=True,
    )
    measures = dataclasses.make_dataclass(
        "NewMeasures", [(new, float)], bases=(Measures,), frozen=True
    )
    analysis = analyze_track(make_track(make_landmarks([0.3] * 90, 0)), Parameters())
    measured = measures(
        **{one.name: getattr(analysis.measures, one.name) for one in fields(Measures)},
        vertical_drift_px=1.23456789,
    )
    usual = summary.summarize(analysis, assess(analysis), "a.mp4")
    given = {
        one.name: getattr(usual, one.name)
        for one in fields(Summary)
        if not hasattr(measured, one.name)
    }
    made = summary._fill(extended, measured, **given)
    assert made.to_dict()[new] == 1.23457
    (column,) = (one for one in columns._make_columns(extended) if one.name == new)
    assert (column.unit, column.meaning, column.ko) == ("px", "It drifts.", "흐름")
    assert column.read(made) == 1.23457
    schema = describe_record(extended, strict=True)
    assert schema["properties"][new] == {
        "type": ["number", "null"],
        "description": "It drifts.",
        "x-unit": "px",
    }
    jsonschema.validate(made.to_dict(), schema)
    rows = dict(dictionary._list_fields(extended, ""))
    assert rows["gaze"] == (f"`{new}`", "number, null", "px", "It drifts.", "흐름")


def test_columns_of_records_do_not_collide() -> None:
    prefixes = [
        about.text for _, about in read_record(Summary).values() if isinstance(about, Prefix)
    ]
    assert len(set(prefixes)) == len(prefixes) == 4
    names = [column.name for column in columns.SUMMARY_COLUMNS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("module", ["fields", "documents", "columns"])
def test_they_load_nothing_heavy(module: str) -> None:
    script = (
        "import sys\n"
        f"import tracker.files.{module}\n"
        "heavy = {'numpy', 'numba', 'cv2', 'pandas', 'pyarrow', 'tracker.measures', 'kernels'}\n"
        "print('loaded:', *sorted(set(sys.modules) & heavy))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "loaded:"
