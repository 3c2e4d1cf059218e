"""Pool what several events say about one quantity: their typical value, and its 95 % interval."""

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.student import CONFIDENCE

SPREADS = (0.02, 0.04, 0.08, 0.16, 0.32)
"""Standard deviations over events that are tried, as shares of the quantity's value."""
CHANCES = (3.0, 1.0, 1.0, 1.0, 1.0)
"""How likely each of `SPREADS` is beforehand, up to a factor. Spreads in equal ratios are equally
likely, as is usual for a scale. The first one also stands for two smaller ones, because values that
are `SPACING` apart do not tell them from it."""
SPACING = 0.04
"""Distance between two values that are tried, as a part of the value."""
MOST_VALUES = 160

Float64Array = NDArray[np.float64]


@functools.lru_cache(maxsize=8)
def _bells(size: int) -> Float64Array:
    """Return normal densities at the distances between the values of a grid, (spreads, G, G).

    The grid is one of `make_log_grid` with G = `size` values. There is one matrix for each standard
    deviation in `SPREADS`; each of its rows holds the densities around one location, which sum to
    1. Where a spread is below half of the grid's spacing, that half is taken, because a narrower
    density would vanish between two values.
    """
    apart = SPACING * np.subtract.outer(np.arange(size), np.arange(size))
    stds = np.maximum(np.array(SPREADS), SPACING / 2)[:, None, None]
    bells: Float64Array = np.exp(-((apart / stds) ** 2) / 2)
    bells /= bells.sum(axis=2, keepdims=True)
    return bells


def make_log_grid(low: float, high: float) -> Float64Array:
    """Return the logarithms of values from `low` to `high`, `SPACING` apart, at most `MOST_VALUES`.

    Parameters
    ----------
    low, high : float
        The least and the largest value; above 0, in any unit; `low` is not above `high`.

    Returns
    -------
    ndarray, shape (G,), float64
        Natural logarithms, ascending by `SPACING` from that of `low`. The last one is at or just
        below that of `high`, or far below it if `MOST_VALUES` do not reach so far.
    """
    size = min(int(np.log(high / low) / SPACING) + 1, MOST_VALUES)
    grid: Float64Array = np.log(low) + SPACING * np.arange(size, dtype=np.float64)
    return grid


def interpolate_nodes(nodes: Float64Array, at: Float64Array) -> Float64Array:
    """Interpolate between values at 0, 1, 2 … by cubic polynomials.

    They are exact for a parabola, except between the first two and between the last two nodes.

    Parameters
    ----------
    nodes : ndarray, shape (L, K), float64
        Values of each of L curves at the K nodes; K is at least 2.
    at : ndarray, shape (G,), float64
        Where to interpolate, as a node's index from 0 to K - 1, or a fraction between two; below
        the first and above the last node, the value stays.

    Returns
    -------
    ndarray, shape (L, G), float64
        The interpolated values of each curve.
    """
    slopes = np.gradient(nodes, axis=1)
    where = np.clip(at, 0, nodes.shape[1] - 1)
    left = np.minimum(where.astype(np.int64), nodes.shape[1] - 2)
    t = where - left
    right = left + 1
    cubic: Float64Array = (
        nodes[:, left] * (1 + 2 * t) * (1 - t) ** 2
        + slopes[:, left] * t * (1 - t) ** 2
        + nodes[:, right] * t**2 * (3 - 2 * t)
        - slopes[:, right] * t**2 * (1 - t)
    )
    return cubic


def pool_events(
    log_values: ArrayLike, log_likelihoods: ArrayLike, error: float = 0.0
) -> tuple[float, float, float]:
    """Pool the likelihoods of events into their typical value and its 95 % interval.

    Parameters
    ----------
    log_values : array_like, shape (G,), float64
        Logarithms of the values that were tried, from `make_log_grid`.
    log_likelihoods : array_like, shape (M, L, G), float64
        Log likelihood of each value for each of M events, under L assumptions that all events
        share and that are equally likely beforehand.
    error : float, optional
        Standard deviation of an error that all events share, as a share of the value: 0.1 is 10 %.
        It widens the interval; below `SPACING` / 4 it is ignored.

    Returns
    -------
    tuple of float
        The typical value (the median of the distribution of events), and the lower and the upper
        end of its interval, in the unit of the values themselves, not of their logarithms. The
        interval is that of the typical value, and not of single events. Without events (M = 0), the
        three numbers only tell the range of the values that were tried.

    Notes
    -----
    The model: the events' values have a log-normal distribution, cut off at the ends of the values
    that were tried. Its location has a flat prior, and its standard deviation is one of `SPREADS`.
    Both are integrated over, and so are the shared assumptions. An event that says little hardly
    changes the result. An event that only rules some values out does no more than that.
    """
    grid = np.asarray(log_values, dtype=np.float64)
    logs = np.asarray(log_likelihoods, dtype=np.float64)
    weights = np.exp(logs - logs.max(axis=(1, 2), keepdims=True)).transpose(1, 0, 2)
    # Shape (spreads, L, M, G): the likelihood of each location, for each event.
    each = np.log(weights @ _bells(grid.size).transpose(0, 2, 1)[:, None] + 1e-300)
    total = each.sum(axis=2)
    chances = np.array(CHANCES) @ np.exp(total - total.max()).sum(axis=1)
    return _find_quantiles(grid, chances, error)


def read_event(
    log_values: ArrayLike, log_likelihood: ArrayLike, error: float = 0.0
) -> tuple[float, float, float]:
    """Return the value of a single event, and its 95 % interval.

    Parameters
    ----------
    log_values : array_like, shape (G,), float64
        Logarithms of the values that were tried, from `make_log_grid`.
    log_likelihood : array_like, shape (L, G), float64
        Log likelihood of each value, under L assumptions that are equally likely beforehand.
    error : float, optional
        Standard deviation of a further error, as a share of the value: 0.1 is 10 %. It widens the
        interval; below `SPACING` / 4 it is ignored.

    Returns
    -------
    tuple of float
        The value (median: the true one is as likely above as below), and the lower and the upper
        end of the interval, in the unit of the values themselves, not of their logarithms.

    Notes
    -----
    The logarithm of the value has a flat prior.
    """
    logs = np.asarray(log_likelihood, dtype=np.float64)
    chances = np.exp(logs - logs.max()).sum(axis=0)
    return _find_quantiles(np.asarray(log_values, dtype=np.float64), chances, error)


def _find_quantiles(
    grid: Float64Array, chances: Float64Array, error: float
) -> tuple[float, float, float]:
    """Return the median and both ends of the 95 % interval of a value.

    `grid` (G,) are logarithms of values, `SPACING` apart, and `chances` (G,) how likely each is, up
    to a factor. `error` is the standard deviation of a further error, as a share of the value;
    below `SPACING` / 4 it is ignored. The result is (median, low, high), in the unit of the values
    themselves.
    """
    if error > SPACING / 4:
        reach = int(np.ceil(4 * error / SPACING))
        bell = np.exp(-((SPACING * np.arange(-reach, reach + 1) / error) ** 2) / 2)
        chances = np.convolve(chances, bell)
        grid = grid[0] + SPACING * np.arange(-reach, grid.size + reach)
    summed = np.cumsum(chances) - chances / 2
    tail = (1 - CONFIDENCE) / 2
    ends = np.interp(np.array((0.5, tail, 1 - tail)) * chances.sum(), summed, grid)
    middle, least, most = np.exp(ends).tolist()
    return middle, least, most
