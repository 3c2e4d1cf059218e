"""Checks and conversions of arguments, before a kernel is called."""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._jit import kernel
from kernels.landmarks import LANDMARK_COUNT

Scalar = TypeVar("Scalar", bound=np.generic)


@kernel("b1(f8[::1])")
def _increases(times_s):
    """Return whether times (N,) are finite and strictly increasing; True if N is 0."""
    size = times_s.size
    # A comparison with NaN is false, and a number between two finite numbers is finite.
    increases = size == 0 or (np.isfinite(times_s[0]) and np.isfinite(times_s[size - 1]))
    for n in range(1, size):
        increases &= times_s[n] > times_s[n - 1]
    return increases


@kernel("b1(i8[::1], i8)")
def _are_within(indices, highest):
    """Return whether all indices (N,) are from 0 to `highest`, both included; True if N is 0."""
    within = True
    for n in range(indices.size):
        within = within and indices[n] >= 0 and indices[n] <= highest
    return within


@kernel("b1(i8[:,::1])")
def _are_intervals(pairs):
    """Return whether start < stop in every row of pairs (M, 2); True if M is 0."""
    begin = True
    for m in range(pairs.shape[0]):
        begin = begin and pairs[m, 0] < pairs[m, 1]
    return begin


def require(values: ArrayLike, dtype: type[Scalar]) -> NDArray[Scalar]:
    """Return `values` as a contiguous, writable array of type `dtype`, which the kernels ask for.

    An array that is all of this already is returned itself. A read-only array, one of another type
    or order in memory, and a list are copied.
    """
    # np.require makes the same check, but takes 1.5 microseconds, many times in an analysis.
    if type(values) is np.ndarray and values.dtype == dtype and values.flags.carray:
        return values
    return np.require(values, dtype, ["C", "W"])


def as_series(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return `values` as a contiguous, writable float64 array of shape (N,).

    Raise a ValueError if `values` does not have exactly one dimension. `name` is the name of the
    caller's argument, for the error's message.
    """
    series = require(values, np.float64)
    _check_one_dimension(series.shape, name)
    return series


def as_flags(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return `values` as a contiguous, writable bool array of shape (N,).

    Of numbers, only 0 becomes False; NaN becomes True. Raise a ValueError if `values` does not have
    exactly one dimension. `name` is the name of the caller's argument, for the error's message.
    """
    flags = require(values, np.bool_)
    _check_one_dimension(flags.shape, name)
    return flags


def as_kept(values: ArrayLike, keep: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return `values` as float64 and `keep` as bool, after checking that they have one shape (N,).

    ``keep[n]`` says whether ``values[n]`` is used. A ValueError if the shapes differ, or have not
    exactly one dimension.
    """
    series, kept = as_series(values, "values"), as_flags(keep, "keep")
    if series.shape != kept.shape:
        raise ValueError(f"values and keep have shapes {series.shape} and {kept.shape}")
    return series, kept


def as_times(times_s: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    """Return `times_s` as float64 (count,), after checking that the times strictly increase.

    A ValueError if they do not, if one is not finite, or if there are not `count` of them. `name`
    is the name of the values that belong to the times, for its message.
    """
    times = as_series(times_s, "times_s")
    if times.size != count:
        raise ValueError(
            f"{name} and times_s have shapes {(count,)} and {times.shape}, "
            "expected one value for each time"
        )
    if not _increases(times):
        raise ValueError("times_s is not strictly increasing: sort the samples, drop duplicates")
    return times


def as_indices(
    indices: ArrayLike, shape: tuple[int, ...], highest: int, name: str
) -> NDArray[np.int64]:
    """Return `indices` as int64, after checking their shape and that they are from 0 to `highest`.

    `shape` begins with -1, which stands for any number of rows: (-1, 2) asks for (M, 2). Empty
    `indices` of any shape become an array of 0 rows. A ValueError if the shape differs, an index is
    out of range, or the numbers are not of an integer type. `name` is the name of the caller's
    argument, for its message.
    """
    array = np.asarray(indices)
    if array.size == 0:
        return np.empty([max(side, 0) for side in shape], dtype=np.int64)
    fits = array.ndim == len(shape) and array.shape[1:] == shape[1:]
    if not fits or array.dtype.kind not in "iu":
        expected = tuple("M" if side == -1 else side for side in shape)
        raise ValueError(
            f"{name} has shape {array.shape} and type {array.dtype}, "
            f"expected whole numbers of shape {expected}"
        )
    # Unsigned indices beyond int64 would become negative here, and are refused below.
    whole = require(array, np.int64)
    if not _are_within(whole.reshape(-1), highest):
        raise ValueError(f"{name} holds {array.min()} to {array.max()}, expected 0 to {highest}")
    return whole


def as_intervals(intervals: ArrayLike, count: int) -> NDArray[np.int64]:
    """Return `intervals` as int64, after checking that they are [start, stop), shape (M, 2).

    Start and stop are indices of samples. A ValueError unless 0 <= start < stop <= `count` in each
    row. Empty `intervals` become an array of shape (0, 2).
    """
    pairs = as_indices(intervals, (-1, 2), count, "intervals")
    if not _are_intervals(pairs):
        raise ValueError("intervals holds an empty or reversed interval, expected start < stop")
    return pairs


def as_eye_ratio(eye_ratio: ArrayLike) -> NDArray[np.float64]:
    """Return `eye_ratio` as a contiguous, writable float64 array; a ValueError if not (N, 2).

    It holds the lid opening of the left and the right eye, each divided by that of the same eye
    when it is open. The values are not checked.
    """
    ratios = require(eye_ratio, np.float64)
    if ratios.ndim != 2 or ratios.shape[1] != 2:
        raise ValueError(f"eye_ratio has shape {ratios.shape}, expected (N, 2)")
    return ratios


def as_landmarks(landmarks: ArrayLike) -> NDArray[np.float32]:
    """Return `landmarks` as a contiguous, writable float32 array; a ValueError if not (N, 40, 2).

    It holds x and y in pixels of 40 points of the face in each of N frames. The values are not
    checked.
    """
    points = require(landmarks, np.float32)
    if points.ndim != 3 or points.shape[1:] != (LANDMARK_COUNT, 2):
        raise ValueError(
            f"landmarks has shape {points.shape}, expected (N, {LANDMARK_COUNT}, 2): "
            "pixels, in the columns of kernels.landmarks.FACE_MESH_INDICES"
        )
    return points


def _check_one_dimension(shape: tuple[int, ...], name: str) -> None:
    if len(shape) != 1:
        raise ValueError(f"{name} has shape {shape}, expected one dimension")
