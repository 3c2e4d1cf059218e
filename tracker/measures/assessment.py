"""The verdict: does the recording support a suspicion of PSP?"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.files.fields import Status
from tracker.measures.analysis import Analysis
from tracker.measures.basis import Basis, Side, choose_basis
from tracker.measures.findings import Finding
from tracker.measures.obstacles import (
    find_basis_cautions,
    find_basis_obstacles,
    find_cautions,
    find_obstacles,
)
from tracker.measures.quality import Quality, measure_quality
from tracker.words import Language, format_text, round_range
from tracker.words.patient import choose_patient_message

_STATUS_BY_SIDE: dict[Side, Status] = {
    "below": "suspected",
    "between": "borderline",
    "above": "not_suspected",
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """The screening answer.

    Attributes
    ----------
    status : {"suspected", "not_suspected", "borderline", "not_assessable"}
        Whether PSP is suspected. Borderline: the 95 % interval of the measured range holds the
        limit of `basis`. Not assessable: the recording does not support an answer.
    reasons : tuple of Finding
        Why the recording is not assessable, or why the answer is borderline; otherwise empty.
    cautions : tuple of Finding
        What limits the numbers, whatever the status is. By itself it does not rule out an answer,
        but some cautions are also among the reasons of a recording that is not assessable.
    basis : Basis
        The one range that the answer rests on (or would, if it is not assessable), with its limit.
    is_assumed : bool
        True if nobody said what the person was asked to do, and the parameters assume a task.
        False if somebody said it, by a task or a protocol, and also if the task is unknown.
    quality : Quality
        How well the recording shows the eyes.
    """

    status: Status
    reasons: tuple[Finding, ...]
    cautions: tuple[Finding, ...]
    basis: Basis
    is_assumed: bool
    quality: Quality

    @property
    def rule_reason(self) -> str:
        """The verdict, the range that it rests on, and its reasons, in English for clinicians."""
        return self.describe("en")

    @property
    def patient_message(self) -> str:
        """The message to the patient in English: what to do better, or "done"; not the verdict."""
        return self.describe_for_patient("en")

    def describe(self, language: Language) -> str:
        """Return a text for clinicians: the verdict, the range that it rests on, and its reasons.

        It is in the given language. The cautions are not told.
        """
        if self.status == "not_assessable":
            words = format_text(language, "because.not_assessable")
        else:
            limit = self.basis.limit
            low, high = (round_range(end, limit) for end in self.basis.interval)
            words = format_text(
                language,
                f"because.{self.status}.{self.basis.name}",
                value=round_range(self.basis.value, limit),
                low=low,
                high=high,
                limit=limit,
            )
        if self.status == "suspected":
            task = "assumed" if self.is_assumed else "asked"
            words = f"{words} {format_text(language, f'because.{task}')}"
        return " ".join((words, *(reason.describe(language) for reason in self.reasons)))

    def describe_for_patient(self, language: Language) -> str:
        """Return the message to the patient in a language, without the verdict.

        With reasons (not assessable, or borderline): what to do about the most important one.
        Otherwise: that the recording is done, and advice for the next time if there is a caution.
        A clinician should explain the verdict.
        """
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
        What was measured. The threshold is `vpp_thresh` of its parameters.

    Returns
    -------
    Assessment
        PSP is suspected if the recording is assessable and the whole 95 % interval of the range
        that decides (`Basis`) is below its limit. If the interval is not wholly above the limit,
        the recording is only assessable if the person was asked to look up and down: by a protocol,
        or by the parameters' task ``up_down``, which may be assumed.
    """
    (assessment,) = assess_thresholds(analysis, (analysis.parameters.vpp_thresh,))
    return assessment


def assess_thresholds(analysis: Analysis, thresholds: Sequence[float]) -> list[Assessment]:
    """Decide at several thresholds; what does not depend on them is computed once.

    Parameters
    ----------
    analysis : Analysis
        What was measured.
    thresholds : sequence of float
        Limits of the vertical range in eye widths. Each replaces `vpp_thresh` of the analysis.

    Returns
    -------
    list of Assessment
        The result of `assess` for each threshold, in their order.
    """
    quality = measure_quality(analysis)
    cautions = find_cautions(analysis, quality)
    obstacles = find_obstacles(analysis, quality)
    return [
        _decide(analysis, quality, cautions, obstacles, choose_basis(analysis, threshold))
        for threshold in thresholds
    ]


def _decide(
    analysis: Analysis,
    quality: Quality,
    cautions: list[Finding],
    obstacles: list[Finding],
    basis: Basis,
) -> Assessment:
    reasons = obstacles or find_basis_obstacles(analysis, quality, cautions, basis)
    status: Status = "not_assessable" if reasons else _STATUS_BY_SIDE[basis.side]
    if status == "borderline":
        low, high = (round_range(end, basis.limit) for end in basis.interval)
        reasons = [Finding("borderline", {"low": low, "high": high, "limit": basis.limit})]
    return Assessment(
        status,
        tuple(reasons),
        (*cautions, *find_basis_cautions(analysis, basis)),
        basis,
        analysis.parameters.task_assumed and not analysis.parameters.protocol,
        quality,
    )
