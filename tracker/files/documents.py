"""Read and check the file ``STEM.summary.json``, and make its JSON Schema.

Also find the definition of a field, or its value, by its dotted name. All of it follows the
annotations of `tracker.files.fields.Summary`. This module imports nothing that is slow to load.
"""

import functools
import json
import types
from collections.abc import Collection, Iterator
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from tracker.files.fields import OPTIONAL, Field, Interval, Prefix, Summary

MOVEMENT_GROUPS = ("saccades", "fixation", "lids")
"""Groups of the summary's fields that describe movements. They are not validated on patients."""
MAX_SUMMARY_BYTES = 4 * 2**20
"""Largest file that is read as a summary."""
JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


class SummaryFormatError(ValueError):
    """No summary can be read: the file, a required field or a field's type is wrong.

    The message names the field, or says what is wrong with the file.
    """


class SummaryFileError(SummaryFormatError):
    """The system does not give the file's content: it is missing, or may not be read."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The type of a value in a summary's JSON document, as read from a dataclass's annotation.

    Attributes
    ----------
    kind : type
        str, int, float, bool, `Interval`, tuple, or the dataclass of a nested record.
    nullable : bool
        Whether the value may be null.
    choices : tuple of str
        The allowed values of a text; empty if any is allowed.
    item : type or None
        If `kind` is tuple (a JSON list): the dataclass of its items. None for other kinds.
    """

    kind: type
    nullable: bool = False
    choices: tuple[str, ...] = ()
    item: type | None = None


@functools.cache
def read_record(record: Any) -> dict[str, tuple[Shape, Field | Prefix | None]]:
    """Return what the annotations of a dataclass, such as `Summary`, say about each of its fields.

    The result has the fields by name and in order. Each has its type, and its description: a
    `Field`; or a `Prefix` if it holds another record, the names of whose columns begin with that
    text; or None if it has no description, as `phases`.
    """
    hints = get_type_hints(record)
    return {
        name: (_read_hint(hints[name]), getattr(hint, "__metadata__", (None,))[0])
        for name, hint in get_type_hints(record, include_extras=True).items()
    }


def _read_hint(hint: Any) -> Shape:
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = (one for one in get_args(hint) if one is not types.NoneType)
        shape = _read_hint(inner)
        return Shape(shape.kind, True, shape.choices)
    if get_origin(hint) is Literal:
        return Shape(str, choices=get_args(hint))
    if get_origin(hint) is tuple:
        return Shape(tuple, item=get_args(hint)[0])
    return Shape(hint)


def describe_record(record: type, *, strict: bool) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a dataclass such as `Summary`.

    Parameters
    ----------
    record : type
        A dataclass with the annotations of `tracker.files.fields`.
    strict : bool
        True: a document must have all fields but those of `OPTIONAL`, and no others, as this
        version writes it. False: any field may be missing, and others may be there, as in the
        documents of other versions.

    Returns
    -------
    dict
        It describes nested records, too. A field's unit is under ``x-unit``.
    """
    properties = {}
    for name, (shape, about) in read_record(record).items():
        properties[name] = _describe_shape(shape, strict)
        if isinstance(about, Field):
            properties[name]["description"] = about.meaning
            if about.unit:
                properties[name]["x-unit"] = about.unit
    described: dict[str, Any] = {
        "description": record.__doc__,
        "type": "object",
        "properties": properties,
    }
    if strict:
        described["required"] = [name for name in properties if name not in OPTIONAL]
        described["additionalProperties"] = False
    return described


def _describe_shape(shape: Shape, strict: bool) -> dict[str, Any]:
    if is_dataclass(shape.kind):
        return describe_record(shape.kind, strict=strict)
    if shape.item is not None:
        return {"type": "array", "items": describe_record(shape.item, strict=strict)}
    if shape.kind is Interval:
        end = {"type": ["number", "null"]}
        return {"type": "array", "items": end, "minItems": 2, "maxItems": 2}
    if shape.choices:
        return {"enum": [*shape.choices, *([None] if shape.nullable else [])]}
    name = JSON_TYPES[shape.kind]
    return {"type": [name, "null"] if shape.nullable else name}


def find_field(path: str) -> tuple[Shape, Field]:
    """Return the type and description of a summary's field.

    `path` is its dotted name, such as ``quality.sharpness``.

    Raises
    ------
    KeyError
        There is no such field, or it has no description itself, as ``quality`` and ``phases``: only
        the fields in it have. Fields of a list's items, as ``phases.start_s``, are not found.
    """
    record: type = Summary
    *parents, name = path.split(".")
    for parent in parents:
        record = read_record(record)[parent][0].kind
    shape, about = read_record(record)[name]
    if not isinstance(about, Field):
        raise KeyError(path)
    return shape, about


def list_values(*groups: str) -> tuple[str, ...]:
    """Return the dotted names of the summary's fields whose group is one of `groups`.

    `groups` are values of `Field.group`, such as "gaze". The names are in the summary's order, with
    those of nested records. Left out are lists, with all that is in them, and free text, that is
    text without `choices`: reports do not show these in a table of numbers.
    """
    return tuple(name for group, name in _walk(Summary, "") if group in groups)


def list_movements() -> tuple[str, ...]:
    """Return the names of the measures of saccades, fixation and lids, in the summary's order.

    These are only the measures that also have fields for their interval, ``NAME_ci95``, and for the
    reason why they may be missing, ``NAME_reason``. Those of a single eye are left out.
    """
    known = read_record(Summary)
    return tuple(
        name
        for name in list_values(*MOVEMENT_GROUPS)
        if {f"{name}_ci95", f"{name}_reason"} <= known.keys()
        and not name.endswith(("_left", "_right"))
    )


def _walk(record: type, path: str) -> Iterator[tuple[str, str]]:
    for name, (shape, about) in read_record(record).items():
        is_free = shape.kind is tuple or (shape.kind is str and not shape.choices)
        if is_dataclass(shape.kind):
            yield from _walk(shape.kind, f"{path}{name}.")
        elif isinstance(about, Field) and not is_free:
            yield about.group, path + name


def get_value(summary: Summary, path: str) -> Any:
    """Return the value of a summary's field by its dotted name, such as ``quality.sharpness``.

    It is None if the value is missing. A field that does not exist raises `AttributeError`, and so
    does one of a record that is missing: only `participant` can be.
    """
    return functools.reduce(getattr, path.split("."), summary)


def parse_summary(
    document: object, needed: Collection[str] | None = None
) -> tuple[Summary, tuple[str, ...]]:
    """Read a summary that any version of this program may have written.

    Parameters
    ----------
    document : object
        What `json.loads` returned.
    needed : collection of str, optional
        Dotted names of the required fields. ``quality.sharpness`` also requires `quality`, but
        ``quality`` none of the fields in it. ``phases.start_s`` requires `phases`, and `start_s` in
        each of them. Default: all fields but intervals and those that may be null.

    Returns
    -------
    summary : Summary
        Of what the document lacks, a single value is None, an interval two None, a list empty, and
        a record one in which all fields are missing. Fields that this version does not know are
        dropped.
    lacks : tuple of str
        Dotted names of the fields that the document lacks, without those of `OPTIONAL`. Of a record
        that is missing as a whole, only its own name.

    Raises
    ------
    SummaryFormatError
        A required field is missing, or a value has the wrong type or is no allowed choice.
    """
    lacks: list[str] = []
    summary: Summary = _parse_record(Summary, document, "", needed, lacks)
    return summary, tuple(dict.fromkeys(lacks))


def load_summary(path: Path, needed: Collection[str] | None = None) -> Summary:
    """Read a file with a summary that any version of this program may have written.

    Parameters
    ----------
    path : Path
    needed : collection of str, optional
        Dotted names of the required fields, see `parse_summary`.

    Returns
    -------
    Summary

    Raises
    ------
    SummaryFormatError
        The file has more than `MAX_SUMMARY_BYTES`, holds no summary, or lacks a required field; or,
        as `SummaryFileError`, it cannot be read. The message does not name the file.
    """
    try:
        if path.stat().st_size > MAX_SUMMARY_BYTES:
            raise SummaryFormatError(f"it is over {MAX_SUMMARY_BYTES >> 20} MB")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SummaryFileError(f"it cannot be read ({error.strerror})") from error
    except SummaryFormatError:
        raise
    # Brackets that are nested too deeply are a RecursionError.
    except (ValueError, RecursionError) as error:
        raise SummaryFormatError("it is not JSON") from error
    return parse_summary(document, needed)[0]


_EARLIER_TASK = ("task", "assumed_up_then_down")
"""Field and value that earlier versions wrote if they did not know the task: read as missing."""


def _parse_record(
    record: type, document: object, path: str, needed: Collection[str] | None, lacks: list[str]
) -> Any:
    if not isinstance(document, dict):
        raise SummaryFormatError(f"{path or 'the summary'} is {document!r:.80}, expected an object")
    values: dict[str, Any] = {}
    for name, (shape, _) in read_record(record).items():
        inner = f"{path}.{name}" if path else name
        if name in document and (inner, document[name]) != _EARLIER_TASK:
            values[name] = _parse_value(shape, document[name], inner, needed, lacks)
            continue
        if needed is None:
            is_needed = not (shape.nullable or shape.kind is Interval)
        else:
            is_needed = any(f"{one}.".startswith(f"{inner}.") for one in needed)
        if is_needed:
            raise SummaryFormatError(f"{inner} is missing")
        if name not in OPTIONAL:
            lacks.append(inner)
        values[name] = _make_empty(shape)
    return record(**values)


def _make_empty(shape: Shape) -> Any:
    if shape.kind is Interval:
        return Interval(None, None)
    if shape.kind is tuple:
        return ()
    if is_dataclass(shape.kind) and not shape.nullable:
        inner = read_record(shape.kind).items()
        return shape.kind(**{name: _make_empty(one) for name, (one, _) in inner})
    return None


def _parse_value(
    shape: Shape, value: Any, path: str, needed: Collection[str] | None, lacks: list[str]
) -> Any:
    if value is None and shape.nullable:
        return None
    if is_dataclass(shape.kind):
        return _parse_record(shape.kind, value, path, needed, lacks)
    if shape.item is not None:
        if not isinstance(value, list):
            raise SummaryFormatError(f"{path} is {value!r:.80}, expected a list")
        return tuple(_parse_record(shape.item, one, path, needed, lacks) for one in value)
    if shape.kind is Interval:
        if not (isinstance(value, list) and len(value) == 2 and all(map(_is_end, value))):
            raise SummaryFormatError(f"{path} is {value!r:.80}, expected two numbers or nulls")
        return Interval(*value)
    # JSON has one kind of number, but Python's True and False are not numbers here.
    allowed = (int, float) if shape.kind is float else (shape.kind,)
    if type(value) not in allowed or (shape.choices and value not in shape.choices):
        expected = " or ".join(shape.choices) or JSON_TYPES[shape.kind]
        raise SummaryFormatError(f"{path} is {value!r:.80}, expected {expected}")
    return value


def _is_end(value: object) -> bool:
    return value is None or type(value) in (int, float)
