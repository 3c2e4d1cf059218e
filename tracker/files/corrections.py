"""Read, check and keep ``STEM.corrections.json``, what a person corrected in a recording's events.

A report's editor saves the file, but anybody may have changed it, so that all of it is checked.

The file beside the results of a recording counts: each analysis that writes there applies it.
"""

import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from tracker.files.names import CORRECTIONS
from tracker.files.whole import write_text_whole
from tracker.measures.corrections import (
    EVENT_KINDS,
    SAME_S,
    Corrections,
    Stretch,
    TimedEvent,
)
from tracker.measures.lids import WINK_NAMES
from tracker.protocol import MAX_TIME_S
from tracker.tracks.archive import is_number
from tracker.tracks.track import Track
from tracker.video.container import InputError, check_readable

FORMAT = 1
"""Version of the file's layout; another version is refused."""
MAX_BYTES = 4 * 2**20
MAX_EVENTS = 20_000
"""Most events: an hour of 300 blinks a minute has fewer."""
MAX_STRETCHES = 1_000
MAX_BY, MAX_WHY, MAX_NAME = 20, 500, 300
"""Most characters of the initials, of the reason, and of the recording's name."""

_KEYS = (
    *("corrections", "recording", "video_sha256", "track_sha256", "by", "at", "why"),
    *("events", "unusable", "primary"),
)
_HASH = "([0-9a-f]{64})?"

T = TypeVar("T")


class CorrectionsError(InputError):
    """The corrections cannot be used. The message says why, and what to do."""


def read_corrections(path: Path) -> Corrections:
    """Read and check a file of corrections.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Corrections

    Raises
    ------
    InputNotFoundError
        There is no such file, or it is a folder or a device.
    CorrectionsError
        It cannot be read, has more than `MAX_BYTES`, or is refused by `parse_corrections`.
    """
    check_readable(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES >> 20} MB")
        return parse_corrections(json.loads(content.decode("utf-8-sig")))
    # Too many nested brackets raise RecursionError.
    except (OSError, ValueError, RecursionError) as error:
        raise CorrectionsError(
            f"{path.name}: cannot be used as corrections: {error}. Save them again in the report."
        ) from error


def read_beside(stem: str, *directories: Path) -> Corrections | None:
    """Read a recording's file of corrections, which lies beside its track or its results.

    Parameters
    ----------
    stem : str
        What the names of the recording's files begin with.
    *directories : Path
        Where to look for ``STEM.corrections.json``, in this order. Only the first that is found is
        read.

    Returns
    -------
    Corrections or None
        None if there is no file: nobody corrected the recording.

    Raises
    ------
    InputNotFoundError
        What has that name is no file, such as a folder or a broken link.
    CorrectionsError
        The file cannot be used, see `read_corrections`.
    """
    for directory in directories:
        path = directory / f"{stem}.{CORRECTIONS}"
        if os.path.lexists(path):
            return read_corrections(path)
    return None


def read_of_video(path: Path, video_sha256: str) -> Corrections:
    """Read a file of corrections, and check that they do not belong to another video.

    It is for a video that is not analysed yet, so that a wrong file is found before the work.
    Corrections without a hash of the video are not refused here: they name the hash of a track,
    which `check_corrections` compares when there is a track.

    Parameters
    ----------
    path : Path
    video_sha256 : str
        SHA-256 of the video to be analysed, as hex.

    Returns
    -------
    Corrections

    Raises
    ------
    InputNotFoundError, CorrectionsError
        As from `read_corrections`. `CorrectionsError` also if the file names another video's hash.
    """
    corrections = read_corrections(path)
    if corrections.video_sha256 not in ("", video_sha256):
        raise CorrectionsError(
            f"{path.name}: belongs to another video of that name. Move it away if this is the "
            "video to analyse, or put the other video back."
        )
    return corrections


def keep_corrections(directory: Path, stem: str, corrections: Corrections, recording: str) -> Path:
    """Write the corrections of a result beside it, so that later analyses apply them, too.

    A file there that holds the same stays as it is. One of the same initials (`by`) is replaced if
    it was not saved later (`at`).

    Parameters
    ----------
    directory : Path
        The folder of the result.
    stem : str
        What the names of the result's files begin with.
    corrections : Corrections
    recording : str
        Name of the recording, for people who read the file. Only `MAX_NAME` characters are kept.

    Returns
    -------
    Path
        The file, ``STEM.corrections.json``.

    Raises
    ------
    CorrectionsError
        The file there has other initials, or was saved later than these corrections, or cannot be
        used. It is not replaced, as it is somebody's work.
    ValueError
        `corrections` are not allowed, see `parse_corrections`.
    """
    path = directory / f"{stem}.{CORRECTIONS}"
    there = read_beside(stem, directory)
    if there == corrections:
        return path
    if there is not None and (there.by != corrections.by or there.at > corrections.at):
        raise CorrectionsError(
            f"{path.name}: holds other corrections, by {there.by} at {there.at}. Move that file "
            "away if they shall not count any more, then run this again."
        )
    document = {
        "corrections": FORMAT,
        "recording": recording[:MAX_NAME],
        **{name: getattr(corrections, name) for name in ("video_sha256", "track_sha256")},
        **{name: getattr(corrections, name) for name in ("by", "at", "why")},
        "events": [asdict(one) for one in corrections.events],
        "unusable": [asdict(one) for one in corrections.unusable],
        "primary": corrections.primary and asdict(corrections.primary),
    }
    # Python code may make corrections of anything; what is written here must be read again.
    parse_corrections(document)
    return write_text_whole(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def parse_corrections(document: object) -> Corrections:
    """Check corrections that were read from JSON, and return them as an object.

    Parameters
    ----------
    document : object
        What `json.loads` returned.

    Returns
    -------
    Corrections
        Its events are in order of onset, whatever their order in `document`.

    Raises
    ------
    ValueError
        The document is of another `FORMAT`, or names neither a video nor a track. A key is missing
        or unknown, or a value has the wrong type or is out of its range. Or events overlap that
        may not, such as two blinks.
    """
    version = document.get("corrections") if isinstance(document, dict) else None
    if not isinstance(document, dict) or type(version) is not int or version != FORMAT:
        raise ValueError(f'its "corrections" is {version!r:.40}, expected version {FORMAT}')
    _check_keys("the file", document, _KEYS)
    hashes = [_read_text(document, name, 64, _HASH) for name in ("video_sha256", "track_sha256")]
    if not any(hashes):
        raise ValueError("video_sha256 and track_sha256 are both empty: of which recording is it")
    _read_text(document, "recording", MAX_NAME)
    primary = document["primary"]
    events = _read_list(document, "events", MAX_EVENTS, _read_event)
    return Corrections(
        by=_read_text(document, "by", MAX_BY, r"[^\W\d_][\w .\-]*"),
        at=_read_time(document),
        why=_read_text(document, "why", MAX_WHY),
        events=_order(events),
        unusable=tuple(_read_list(document, "unusable", MAX_STRETCHES, _read_stretch)),
        primary=None if primary is None else _read_stretch("primary", primary),
        video_sha256=hashes[0],
        track_sha256=hashes[1],
    )


def _check_keys(where: str, value: object, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the value, which must be an object with these keys and no others; else `ValueError`.

    `where` is what an error message calls the value, such as ``events[3]``.
    """
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise ValueError(f"{where} is {value!r:.80}, expected an object with {', '.join(keys)}")
    return value


def _read_text(document: dict[str, Any], name: str, most: int, pattern: str = "") -> str:
    """Return the text under the key `name`, with U+FFFD for each character that cannot be shown.

    `ValueError` if it is no text, has more than `most` characters, or does not match `pattern` from
    its beginning to its end. An empty `pattern` allows any text.
    """
    text = document[name]
    if not isinstance(text, str) or len(text) > most:
        raise ValueError(f"{name} is {text!r:.80}, expected a text of up to {most} characters")
    if pattern and not re.fullmatch(pattern, text):
        expected = "initials" if name == "by" else "a SHA-256 or nothing"
        raise ValueError(f"{name} is {text!r:.80}, expected {expected}")
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def _read_time(document: dict[str, Any]) -> str:
    text = _read_text(document, "at", 20)
    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as error:
        raise ValueError(f"at is {text!r}, expected a time such as 2026-01-31T09:30:00Z") from error
    return text


def _read_list(
    document: dict[str, Any], name: str, most: int, read: Callable[[str, object], T]
) -> list[T]:
    items = document[name]
    if not isinstance(items, list) or len(items) > most:
        raise ValueError(f"{name} is no list of up to {most} items")
    return [read(f"{name}[{index}]", item) for index, item in enumerate(items)]


def _read_times(where: str, item: dict[str, Any], first: str, last: str) -> tuple[float, float]:
    times = item[first], item[last]
    if not all(is_number(one) and one <= MAX_TIME_S for one in times) or times[0] > times[1]:
        raise ValueError(
            f"{where} lasts from {times[0]!r:.40} to {times[1]!r:.40}, expected "
            f"0 <= {first} <= {last} <= {MAX_TIME_S:g}"
        )
    return float(times[0]), float(times[1])


def _read_event(where: str, item: object) -> TimedEvent:
    values = _check_keys(where, item, ("kind", "onset_s", "offset_s"))
    if values["kind"] not in EVENT_KINDS:
        kinds = ", ".join(EVENT_KINDS)
        raise ValueError(f"the kind of {where} is {values['kind']!r:.40}, expected one of {kinds}")
    return TimedEvent(*_read_times(where, values, "onset_s", "offset_s"), values["kind"])


def _read_stretch(where: str, item: object) -> Stretch:
    values = _check_keys(where, item, ("start_s", "end_s"))
    start_s, end_s = _read_times(where, values, "start_s", "end_s")
    if start_s == end_s:
        raise ValueError(f"{where} begins and ends at {start_s:g} s, expected a stretch of time")
    return Stretch(start_s, end_s)


def _order(events: list[TimedEvent]) -> tuple[TimedEvent, ...]:
    """Return the events in order of onset.

    `ValueError` if two closures, of whatever kinds, or two winks of the same eye overlap by more
    than `SAME_S` seconds. A closure and a wink may overlap, and so may winks of different eyes.
    """
    ordered = sorted(events)
    winks = WINK_NAMES.values()
    groups = [[one for one in ordered if one.kind == kind] for kind in winks]
    for group in ([one for one in ordered if one.kind not in winks], *groups):
        for before, after in itertools.pairwise(group):
            if after.onset_s < before.offset_s - SAME_S:
                raise ValueError(
                    f"the {after.kind} at {after.onset_s:g} s begins before the {before.kind} at "
                    f"{before.onset_s:g} s ends"
                )
    return tuple(ordered)


def hash_track(track: Track) -> str:
    """Return the SHA-256 of a track's frame numbers, times and landmarks, in hexadecimal digits."""
    digest = hashlib.sha256()
    for array in (track.frame_index, track.times_s, track.landmarks):
        digest.update(memoryview(array).cast("B") if array.size else b"")
    return digest.hexdigest()


def identify_track(track: Track) -> dict[str, str]:
    """Return ``video_sha256`` and ``track_sha256``, by which corrections know their recording.

    One of the two is "". If the track knows its video's hash, `track_sha256` is "": the video's
    hash also fits other tracks of the same video. Otherwise `video_sha256` is "".
    """
    video_sha256 = track.info.video_sha256
    return {
        "video_sha256": video_sha256,
        "track_sha256": "" if video_sha256 else hash_track(track),
    }


def check_corrections(corrections: Corrections, track: Track) -> None:
    """Check that corrections belong to a track, and lie within its time.

    If both know the video's SHA-256, these must be equal; otherwise the track's must be. All times
    of the corrections must lie before the last frame ends, which is taken to be shown for as long
    as the frame before it. `SAME_S` seconds more are allowed.

    Raises
    ------
    CorrectionsError
        They do not belong to the track, or a time lies after its end.
    """
    if corrections.video_sha256 and track.info.video_sha256:
        fits = corrections.video_sha256 == track.info.video_sha256
    else:
        fits = corrections.track_sha256 == hash_track(track)
    if not fits:
        raise CorrectionsError(
            "the corrections belong to another recording. Name the track of the recording whose "
            "report they were saved in, or move the file away if it lies beside another one's."
        )
    times_s = track.times_s
    # The last frame is shown for as long as the one before it.
    ends_s = float(times_s[-1] + (times_s[-1] - times_s[-2])) if times_s.size > 1 else 0.0
    named = [one.offset_s for one in corrections.events]
    named += [one.end_s for one in (*corrections.unusable, corrections.primary) if one]
    latest_s = max(named, default=0.0)
    if latest_s > ends_s + SAME_S:
        raise CorrectionsError(
            f"the corrections name the time {latest_s:.3f} s, but the recording ends at "
            f"{ends_s:.3f} s. Save them again in the report."
        )
