"""The tables of an analysis as CSV: a row for each frame, each closure, each step of the gaze."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import LEFT, RIGHT
from kernels.closures import COMPLETE_RATIO
from kernels.landmarks import FACE_MESH_INDICES
from tracker.measures.analysis import Analysis
from tracker.measures.lids import KIND_NAMES, WINK_NAMES, Events
from tracker.measures.saccade_rows import MEASURED, list_saccade_rows

Table = dict[str, NDArray[Any] | list[str] | list[bool | None]]
"""Columns of one length by name, in the file's order. What is missing is NaN or None."""

ROWS_AT_A_TIME = 10_000
"""Most rows that are text at the same time: a text takes seven times the memory of its number."""


def name_events(analysis: Analysis) -> list[str]:
    """Return for each analysed frame which kind of closure or wink it belongs to; "" for none.

    The kinds are ``blink``, ``prolonged_closure``, ``flutter``, ``wink_left`` and ``wink_right``.
    Where a wink overlaps a closure, it is the wink that is named.
    """
    events = [""] * len(analysis.track.times_s)
    for (start, stop), kind in zip(
        analysis.events.closures.interval, analysis.events.closures.kind, strict=True
    ):
        events[start:stop] = [KIND_NAMES[kind]] * int(stop - start)
    for (start, stop), eye in zip(analysis.events.winks, analysis.events.wink_eye, strict=True):
        events[start:stop] = [WINK_NAMES[eye]] * int(stop - start)
    return events


def frame_table(analysis: Analysis) -> Table:
    """Return the table of frames, `FRAME_COLUMNS`: each column has one value per analysed frame.

    The columns are by name, in the file's order; `tracker.files.columns` says their units. Numbers
    that are missing are NaN.
    """
    geometry, track = analysis.traces.geometry, analysis.track
    iris = {
        eye: analysis.traces.landmarks[:, FACE_MESH_INDICES.index(index)].astype(np.float64)
        for eye, index in ((LEFT, 473), (RIGHT, 468))
    }
    return {
        "frame_idx": track.frame_index,
        "time_sec": track.times_s,
        "L_iris_cx": iris[LEFT][:, 0],
        "L_iris_cy": iris[LEFT][:, 1],
        "L_eye_open": geometry.ear[:, LEFT],
        "L_v_offset": analysis.gaze.vertical_by_eye[:, LEFT],
        "R_iris_cx": iris[RIGHT][:, 0],
        "R_iris_cy": iris[RIGHT][:, 1],
        "R_eye_open": geometry.ear[:, RIGHT],
        "R_v_offset": analysis.gaze.vertical_by_eye[:, RIGHT],
        "eye_open": analysis.traces.ear,
        "v_offset": analysis.gaze.vertical,
        "h_offset": analysis.gaze.horizontal,
        "L_h_offset": geometry.horizontal_offset[:, LEFT],
        "R_h_offset": geometry.horizontal_offset[:, RIGHT],
        "eye_open_baseline": analysis.events.baseline,
        "event": name_events(analysis),
        "gaze_valid": analysis.gaze.valid,
        "L_iris_diameter_px": geometry.iris_diameter_px[:, LEFT],
        "R_iris_diameter_px": geometry.iris_diameter_px[:, RIGHT],
        "L_palpebral_fissure_px": geometry.palpebral_fissure_px[:, LEFT],
        "R_palpebral_fissure_px": geometry.palpebral_fissure_px[:, RIGHT],
        "L_canthal_distance_px": geometry.canthal_distance_px[:, LEFT],
        "R_canthal_distance_px": geometry.canthal_distance_px[:, RIGHT],
        "head_roll_deg": geometry.head_roll_deg,
        "head_yaw_deg": analysis.traces.head.yaw_deg,
        "head_pitch_deg": analysis.traces.head.pitch_deg,
    }


def closure_table(analysis: Analysis, events: Events) -> Table:
    """Return the table of closures, `BLINK_COLUMNS`: each column has one value per closure.

    The columns are by name, in the file's order. Winks are not in the table. `events` are those of
    the analysis, or its `detected` ones, from before a person corrected them.
    """
    closures, times_s = events.closures, analysis.track.times_s
    frame_index = analysis.track.frame_index
    start, stop = closures.interval[:, 0], closures.interval[:, 1]
    # If the end was not seen, the closure lasts at least until its last sample.
    last = stop - 1
    end = np.where(closures.offset_seen, stop, last)
    return {
        "kind": [KIND_NAMES[kind] for kind in closures.kind],
        "onset_s": closures.onset_s,
        "peak_s": times_s[closures.peak],
        "offset_s": closures.offset_s,
        "onset_frame": frame_index[start],
        "peak_frame": frame_index[closures.peak],
        "offset_frame": np.where(closures.offset_seen, frame_index[end], frame_index[last] + 1),
        "duration_s": closures.offset_s - closures.onset_s,
        "closing_s": times_s[closures.peak] - closures.onset_s,
        "opening_s": closures.offset_s - times_s[closures.peak],
        "closed_s": closures.closed_s,
        "amplitude": 1 - closures.least_ratio,
        "complete": closures.least_ratio <= COMPLETE_RATIO,
        "L_amplitude": events.eye_amplitude[:, LEFT],
        "R_amplitude": events.eye_amplitude[:, RIGHT],
        "L_complete": _find_complete(events.eye_amplitude[:, LEFT]),
        "R_complete": _find_complete(events.eye_amplitude[:, RIGHT]),
        "onset_seen": closures.onset_seen,
        "offset_seen": closures.offset_seen,
    }


def saccade_table(analysis: Analysis) -> Table:
    """Return the table of saccades, `SACCADE_COLUMNS`, as columns by name, in the file's order.

    Each step of the gaze has three rows: for the mean of both eyes, for the left and for the right
    eye. Not all steps are listed: `list_saccade_rows` says which. A phase in whose direction no
    step was found has three rows, too, without measured values. The columns are empty if steps
    could not be looked for.
    """
    rows = list_saccade_rows(analysis)
    table: Table = {
        "step": np.array([one.step for one in rows], dtype=np.int64),
        "eye": [one.eye for one in rows],
        "direction": [one.direction for one in rows],
        "phase": [one.phase for one in rows],
        "prompt_s": np.array([one.prompt_s for one in rows]),
        "middle_s": np.array([one.middle_s for one in rows]),
    }
    for name in MEASURED:
        values = np.array([getattr(one, name) for one in rows]).reshape(-1, 3)
        table |= {f"{name}{end}": values[:, n] for n, end in enumerate(("", "_low", "_high"))}
    table["used"] = np.array([not one.reason for one in rows], dtype=np.bool_)
    table["reason"] = [one.reason for one in rows]
    return table


def _find_complete(amplitude: NDArray[np.float64]) -> list[bool | None]:
    """Return for each amplitude whether the eye closed completely; None if it is NaN.

    An amplitude is how far an eye closed: 0 = stays open, 1 = no opening left. The eye closed
    completely if at most `COMPLETE_RATIO` of its opening was left.
    """
    return [None if math.isnan(one) else 1 - one <= COMPLETE_RATIO for one in amplitude.tolist()]


def _write_csv(path: Path, table: Table) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        for start in range(0, max(map(len, table.values())), ROWS_AT_A_TIME):
            rows = slice(start, start + ROWS_AT_A_TIME)
            columns = (_format_column(column[rows]) for column in table.values())
            writer.writerows(zip(*columns, strict=True))


def _format_column(column: NDArray[Any] | list[str] | list[bool | None]) -> Sequence[Any]:
    """Return a column's values as written in CSV, one for each.

    A missing one is "". Flags are "true" and "false", and floats texts of 9 significant digits.
    Whole numbers and texts stay as they are.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind == "f":
        # More digits than in JSON: the time of the 12,000th frame needs them.
        return ["" if value != value else f"{value:.9g}" for value in column.tolist()]
    values = column.tolist() if isinstance(column, np.ndarray) else column
    texts = {None: "", True: "true", False: "false"}
    return [texts[one] if one is None or isinstance(one, bool) else one for one in values]
