"""Checks and conversions of arguments, before a kernel is called."""

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels._jit import kernel
from kernels.landmarks import LANDMARK_COUNT

Scalar = TypeVar("Scalar", bound=np.generic)


@kernel("b1(f8[::1])")
def _increases(times_s):
    """Whether times (N,) are finite and strictly increasing."""
    size = times_s.size
    # A comparison with NaN is false, and a number between two finite numbers is finite.
    increases = size == 0 or (np.isfinite(times_s[0]) and np.isfinite(times_s[size - 1]))
    for n in range(1, size):
        increases &= times_s[n] > times_s[n - 1]
    return increases


@kernel("b1(i8[::1], i8)")
def _are_within(indices, highest):
    """Whether indices (N,) are from 0 to `highest`."""
    within = True
    for n in range(indices.size):
        within = within and indices[n] >= 0 and indices[n] <= highest
    return within


@kernel("b1(i8[:,::1])")
def _are_intervals(pairs):
    """Whether every interval in pairs (M, 2) starts before it stops."""
    begin = True
    for m in range(pairs.shape[0]):
        begin = begin and pairs[m, 0] < pairs[m, 1]
    return begin


def require(values: ArrayLike, dtype: type[Scalar]) -> NDArray[Scalar]:
    """Return a contiguous, writable array of a type; the array itself if it is one already."""
    # np.require makes the same check, but takes 1.5 microseconds, many times in an analysis.
    if type(values) is np.ndarray and values.dtype == dtype and values.flags.carray:
        return values
    return np.require(values, dtype, ["C", "W"])


def as_series(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return a contiguous, writable float64 array with one dimension."""
    series = require(values, np.float64)
    _check_one_dimension(series.shape, name)
    return series


def as_flags(values: ArrayLike, name: str) -> NDArray[np.bool_]:
    """Return a contiguous, writable bool array with one dimension."""
    flags = require(values, np.bool_)
    _check_one_dimension(flags.shape, name)
    return flags


def as_kept(values: ArrayLike, keep: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return values and flags of one shape; a flag says whether to use its value."""
    series, kept = as_series(values, "values"), as_flags(keep, "keep")
    if series.shape != kept.shape:
        raise ValueError(f"values and keep have shapes {series.shape} and {kept.shape}")
    return series, kept


def as_times(times_s: ArrayLike, count: int, name: str) -> NDArray[np.float64]:
    """Return strictly increasing times, one for each of `count` values; errors mention `name`."""
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
    """Return indices from 0 to `highest`; if `shape` begins with -1, its length is not checked."""
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
    """Return half-open, non-empty intervals (M, 2) of `count` samples."""
    pairs = as_indices(intervals, (-1, 2), count, "intervals")
    if not _are_intervals(pairs):
        raise ValueError("intervals holds an empty or reversed interval, expected start < stop")
    return pairs


def as_eye_ratio(eye_ratio: ArrayLike) -> NDArray[np.float64]:
    """Return a contiguous, writable float64 array with a column for each eye."""
    ratios = require(eye_ratio, np.float64)
    if ratios.ndim != 2 or ratios.shape[1] != 2:
        raise ValueError(f"eye_ratio has shape {ratios.shape}, expected (N, 2)")
    return ratios


def as_landmarks(landmarks: ArrayLike) -> NDArray[np.float32]:
    """Return a contiguous, writable float32 array of a track's landmarks."""
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
