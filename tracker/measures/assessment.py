"""The verdict: does the recording support a suspicion of PSP?"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.files.fields import Status
from tracker.measures.analysis import Analysis
from tracker.measures.findings import Finding
from tracker.measures.obstacles import find_cautions, find_obstacles, find_range_obstacles
from tracker.measures.quality import Quality, measure_quality
from tracker.words import Language, format_text, round_range
from tracker.words.patient import choose_patient_message


@dataclass(frozen=True, slots=True)
class Assessment:
    """The screening answer.

    Attributes
    ----------
    status : {"suspected", "not_suspected", "not_assessable"}
    reasons : tuple of Finding
        Why it is not assessable, or what makes the answer uncertain (`borderline`).
    cautions : tuple of Finding
        What limits the numbers but does not rule out an answer.
    verdict : str
        Chooses the text ``because.<verdict>``.
    verdict_values : dict
        The numbers in that text.
    quality : Quality
    """

    status: Status
    reasons: tuple[Finding, ...]
    cautions: tuple[Finding, ...]
    verdict: str
    verdict_values: dict[str, float]
    quality: Quality

    @property
    def rule_reason(self) -> str:
        """The verdict and its reasons, in English."""
        return self.describe("en")

    @property
    def patient_message(self) -> str:
        """The message to the patient in English: what to do better, or "done"; not the verdict."""
        return self.describe_for_patient("en")

    def describe(self, language: Language) -> str:
        """Return the verdict and its reasons."""
        words = format_text(language, f"because.{self.verdict}", **self.verdict_values)
        return " ".join((words, *(reason.describe(language) for reason in self.reasons)))

    def describe_for_patient(self, language: Language) -> str:
        """Return the message to the patient: what to do better, or "done"; not the verdict."""
        return choose_patient_message(
            [reason.code for reason in self.reasons],
            # If the recording must be repeated, only the reason for that is mentioned.
            [] if self.status == "not_assessable" else [caution.code for caution in self.cautions],
            language,
        )


def assess(analysis: Analysis) -> Assessment:
    """Decide whether the recording supports a suspicion of PSP.

    Parameters
    ----------
    analysis : Analysis

    Returns
    -------
    Assessment
        Suspected if the recording is assessable and the vertical peak-to-peak is below
        `vpp_thresh`.
    """
    (assessment,) = assess_thresholds(analysis, (analysis.parameters.vpp_thresh,))
    return assessment


def assess_thresholds(analysis: Analysis, thresholds: Sequence[float]) -> list[Assessment]:
    """Decide at several thresholds; what does not depend on them is computed once.

    Parameters
    ----------
    analysis : Analysis
    thresholds : sequence of float
        Each replaces `vpp_thresh` of the analysis.

    Returns
    -------
    list of Assessment
        The result of `assess` for each threshold.
    """
    quality = measure_quality(analysis)
    cautions = tuple(find_cautions(analysis, quality))
    obstacles = find_obstacles(analysis, quality)
    return [_decide(analysis, quality, cautions, obstacles, threshold) for threshold in thresholds]


def _decide(
    analysis: Analysis,
    quality: Quality,
    cautions: tuple[Finding, ...],
    obstacles: list[Finding],
    threshold: float,
) -> Assessment:
    obstacles = obstacles or find_range_obstacles(analysis, quality, cautions, threshold)
    if obstacles:
        return Assessment(
            "not_assessable", tuple(obstacles), cautions, "not_assessable", {}, quality
        )
    measured = analysis.measures.vertical_peak_to_peak
    suspected = measured < threshold
    status: Status = "suspected" if suspected else "not_suspected"
    verdict: str = status
    if suspected:
        verdict += ".asked" if analysis.parameters.protocol else ".if_asked"
    values = {"range": round_range(measured, threshold), "threshold": threshold}
    reasons = []
    low, high = analysis.measures.vertical_peak_to_peak_ci95
    if low < threshold <= high:
        limits = {"low": round_range(low, threshold), "high": round_range(high, threshold)}
        reasons.append(Finding("borderline", limits))
    return Assessment(status, tuple(reasons), cautions, verdict, values, quality)
