"""The basis of a verdict: the one range of the gaze that it rests on, and that range's limit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tracker.files.fields import BasisName
from tracker.measures.gaze import GazeMeasures
from tracker.protocol import Phase, Task

if TYPE_CHECKING:
    from tracker.measures.analysis import Analysis

DOWN_SHARE = 0.5
"""Limit of the range down, as a share of `vpp_thresh`: half of the whole range is down."""

SMALL_RANGE_COUNTS: dict[Task, bool] = {"up_down": True, "extended": False, "unknown": False}
"""Whether a small range supports the suspicion where a task is known, but not its times.

In the extended task, the eyes look up, and down, for an eighth of the time each. The 5th and 95th
percentiles of the whole recording can then miss the ends of a good range.
"""

Side = Literal["below", "above", "between"]


@dataclass(frozen=True, slots=True)
class Basis:
    """The range of the gaze that a verdict rests on: the whole vertical range, or the range down.

    Attributes
    ----------
    name : {"vertical_peak_to_peak", "down_range"}
        Its field in `tracker.measures.gaze.GazeMeasures`.
    value : float
        The measured range, in eye widths like the limits; NaN if it could not be measured.
    interval : (float, float)
        Lower and upper end of the 95 % interval of `value`; both NaN if it is unknown.
    limit : float
        Values below it support the suspicion of PSP.
    threshold : float
        The limit of the whole vertical range, in eye widths. `limit` is this, or `DOWN_SHARE` of
        it for the range down.
    is_lower_bound : bool
        True if the true value is `value` or more, because the lids hid the iris too often.
    """

    name: BasisName
    value: float
    interval: tuple[float, float]
    limit: float
    threshold: float
    is_lower_bound: bool = False

    @property
    def side(self) -> Side:
        """On which side of the limit the whole 95 % interval lies: ``below`` or ``above``.

        ``between`` if the interval holds the limit, or is unknown (NaN). An interval whose lower
        end is the limit is ``above``; one whose upper end is the limit is ``between``.
        """
        low, high = self.interval
        if high < self.limit:
            return "below"
        return "above" if low >= self.limit else "between"


def knows_down(measures: GazeMeasures, protocol: tuple[Phase, ...]) -> bool:
    """Return whether the range down can decide.

    `protocol` must ask to look down, and the primary position, where down begins, be known.
    """
    asked_down = any(phase.phase == "down" for phase in protocol)
    return asked_down and measures.primary_position_source is not None


def choose_basis(analysis: "Analysis", threshold: float) -> Basis:
    """Choose the range of the gaze that the verdict rests on.

    Parameters
    ----------
    analysis : Analysis
        What was measured.
    threshold : float
        Limit of the whole vertical range in eye widths; it replaces `vpp_thresh` of the analysis.
        The limit of the range down is `DOWN_SHARE` of it.

    Returns
    -------
    Basis
        The range down, if a protocol says when the person was asked to look down and the primary
        position is known; otherwise the whole vertical range. The range down is the better one: a
        good range up cannot hide that it is lost, and a range up that has become small with age
        does not count.
    """
    measures, protocol = analysis.measures, analysis.parameters.protocol
    # Both quantities end where the eyes look down.
    is_lower_bound = measures.down_range_is_lower_bound
    if knows_down(measures, protocol):
        return Basis(
            "down_range",
            measures.down_range,
            measures.down_range_ci95,
            DOWN_SHARE * threshold,
            threshold,
            is_lower_bound,
        )
    return Basis(
        "vertical_peak_to_peak",
        measures.vertical_peak_to_peak,
        measures.vertical_peak_to_peak_ci95,
        threshold,
        threshold,
        is_lower_bound,
    )
