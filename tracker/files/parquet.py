"""Write a table as Parquet with Python alone.

Tables of folders are written by pyarrow. Its 170 MB do not fit into a Lambda function beside the
models, so this module stands in for it there. It writes the plainest Parquet that there is: one
group of rows, and each column in one page, compressed by gzip.

References
----------
.. [1] Apache Parquet, file format and ``parquet.thrift``, version 2.10.0,
   https://github.com/apache/parquet-format.
.. [2] Apache Thrift, compact protocol, ``doc/specs/thrift-compact-protocol.md``.
"""

import gzip
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tracker.files.columns import Column
from tracker.files.whole import write_whole

MAGIC = b"PAR1"
BOOLEAN, INT64, DOUBLE, BYTE_ARRAY = 0, 2, 5, 6
"""Numbers of Parquet's types."""
OPTIONAL, UTF8, PLAIN, RLE, GZIP, DATA_PAGE = 1, 0, 0, 3, 2, 0
I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
"""Numbers of the compact protocol's types."""

Fields = Sequence[tuple[int, int, Any]]
"""A struct of the compact protocol: id, type and value of each field, by rising ids."""


def write_parquet(path: Path, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows to a file, whole or not at all; what a row lacks, and None, is null.

    Parameters
    ----------
    path : Path
        In an existing folder; an earlier file is replaced.
    columns : sequence of Column
        Columns of the table, in order. A value that is not None is converted to the column's
        `kind`.
    rows : sequence of mapping
        Values by the columns' names. Other keys are left out.

    Returns
    -------
    Path
        `path`.
    """
    return write_whole(path, lambda partial: _write(partial, columns, rows))


def _write(path: Path, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> None:
    chunks: list[Fields] = []
    total = 0
    with path.open("wb") as file:
        file.write(MAGIC)
        for column in columns:
            position = file.tell()
            header, page, raw_size = _make_page(column, [row.get(column.name) for row in rows])
            file.write(header + page)
            sizes = (len(header) + raw_size, len(header) + len(page))
            chunks.append(_describe_chunk(column, len(rows), position, *sizes))
            total += sizes[0]
        footer = _encode(_describe_file(columns, chunks, len(rows), total))
        file.write(footer + struct.pack("<I", len(footer)) + MAGIC)


def _make_page(column: Column, values: list[Any]) -> tuple[bytes, bytes, int]:
    """Return a column's page: header, compressed content, and the content's size uncompressed.

    `values` are the column's, one for each row; None is null.
    """
    levels = _pack_bits([value is not None for value in values])
    # One run of groups of eight bits; the length comes before it.
    run = _varint(len(levels) << 1 | 1) + levels
    present = [column.kind(value) for value in values if value is not None]
    raw = struct.pack("<I", len(run)) + run + _ENCODERS[column.kind](present)
    page = gzip.compress(raw, mtime=0)
    header = _encode(
        [
            (1, I32, DATA_PAGE),
            (2, I32, len(raw)),
            (3, I32, len(page)),
            (5, STRUCT, [(1, I32, len(values)), (2, I32, PLAIN), (3, I32, RLE), (4, I32, RLE)]),
        ]
    )
    return header, page, len(raw)


def _describe_chunk(column: Column, count: int, position: int, raw_size: int, size: int) -> Fields:
    about = [
        (1, I32, _TYPES[column.kind]),
        (2, LIST, (I32, [PLAIN, RLE])),
        (3, LIST, (BINARY, [column.name])),
        (4, I32, GZIP),
        (5, I64, count),
        (6, I64, raw_size),
        (7, I64, size),
        (9, I64, position),
    ]
    return [(2, I64, position), (3, STRUCT, about)]


def _describe_file(
    columns: Sequence[Column], chunks: list[Fields], count: int, total: int
) -> Fields:
    root: Fields = [(4, BINARY, "table"), (5, I32, len(columns))]
    leaves: list[Fields] = [
        [
            (1, I32, _TYPES[column.kind]),
            (3, I32, OPTIONAL),
            (4, BINARY, column.name),
            *([(6, I32, UTF8)] if column.kind is str else []),
        ]
        for column in columns
    ]
    group: Fields = [(1, LIST, (STRUCT, chunks)), (2, I64, total), (3, I64, count)]
    return [
        (1, I32, 1),
        (2, LIST, (STRUCT, [root, *leaves])),
        (3, I64, count),
        (4, LIST, (STRUCT, [group])),
        (6, BINARY, "parkinson-eye-tracking"),
    ]


def _pack_bits(values: Iterable[bool]) -> bytes:
    """Pack flags into bytes, eight in each: the first one is the lowest bit. Unused bits are 0."""
    bits = "".join("1" if value else "0" for value in values)
    size = -(-len(bits) // 8)
    return int(bits[::-1] or "0", 2).to_bytes(size, "little")


def _encode_texts(values: list[str]) -> bytes:
    encoded = [value.encode() for value in values]
    return b"".join(struct.pack("<I", len(one)) + one for one in encoded)


_TYPES = {bool: BOOLEAN, int: INT64, float: DOUBLE, str: BYTE_ARRAY}
_ENCODERS: dict[type, Callable[[list[Any]], bytes]] = {
    bool: _pack_bits,
    int: lambda values: struct.pack(f"<{len(values)}q", *values),
    float: lambda values: struct.pack(f"<{len(values)}d", *values),
    str: _encode_texts,
}


# The compact protocol


def _encode(fields: Fields) -> bytes:
    """Encode a struct in Thrift's compact protocol, as Parquet's headers and footer are written.

    `fields` are the id, type and value of each field, by rising ids. The types are `I32`, `I64`,
    `BINARY` (a text), `LIST` (type of the items, and the items) and `STRUCT` (such `fields`).
    """
    parts, last = [], 0
    for number, kind, value in fields:
        # No two ids are further apart than 15, the most that this short form holds.
        parts.append(bytes([(number - last) << 4 | kind]) + _encode_value(kind, value))
        last = number
    return b"".join(parts) + b"\0"


def _encode_value(kind: int, value: Any) -> bytes:
    if kind in (I32, I64):
        return _varint(value << 1)
    if kind == BINARY:
        text: bytes = value.encode()
        return _varint(len(text)) + text
    if kind == LIST:
        inner, items = value
        size = len(items)
        head = bytes([size << 4 | inner]) if size < 15 else bytes([0xF0 | inner]) + _varint(size)
        return head + b"".join(_encode_value(inner, item) for item in items)
    return _encode(value)


def _varint(value: int) -> bytes:
    """Encode an unsigned number: seven bits in each byte, the lowest first. 300 gives AC 02."""
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
