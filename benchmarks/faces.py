"""Whose eyes are filmed: several faces, with lids that follow the gaze or do not.

`benchmarks.accuracy` runs this. Every clip looks ahead, up, ahead and down, and blinks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.clips import BLINKS_PER_MIN, PLAIN, base_spec, measure_spec, score_spec
from benchmarks.sweeps import BLUE, GREY, MIN_F1, ORANGE, Measured
from kernels import PROLONGED_CLOSURE
from tracker.face.follow import FaceFinder
from tracker.lab.clip_spec import ClipSpec, GazePhase
from tracker.lab.faces import FACES, rotation_deg
from tracker.lab.scoring import summarize_scores
from tracker.lab.synthetic import compute_truth
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters

DURATION_S, FPS = 12.0, 15.0
SEED = 5
AMPLITUDES = (0.06, 0.12, 0.20)
"""Gaze up and down, in canthal distances: 10, 21 and 37 degrees."""
LID_FOLLOWS = (0.0, 0.5, 1.0)
MAX_DOWN_LOST = 0.1
"""Largest share of the gaze down that may be lost because lowered lids are taken for closed."""
HEALTHY = 0.12
"""Gaze up and down of 21 degrees or more: nobody who looks so far may be suspected."""
MIN_ANGLES_HELD = 0.95
"""Least share of the clips whose interval in degrees contains what was drawn."""


@dataclass(frozen=True, slots=True)
class FacePoint:
    """What is measured of one face's clip, which looks ahead, up, ahead and down, and blinks.

    Attributes
    ----------
    face : str
        A key of `tracker.lab.faces.FACES`.
    lid_follow : float
        How far its lids follow the gaze: 0 = not at all, 1 = as a healthy person's.
    drawn : float
        How far the gaze goes up, and how far down, in canthal distances.
    vertical : float
        Vertical peak-to-peak as measured, in canthal distances.
    up_share, down_share : float
        Measured gaze up and down over the drawn one: medians of the frames with open lids.
    down_range : float
        Range down as measured, in canthal distances: what is left of it after closures are left
        out.
    fissure_down, ear_down : float
        Lid opening looking down over the one looking ahead: as drawn, and the eye aspect ratio.
    f1 : float
        F1 of the blinks found against those drawn.
    prolonged : int
        Prolonged closures found; none is drawn.
    in_pictures : float
        Range of the irises in the pictures, `picture_gaze_range` of
        `tracker.measures.quality.Quality`.
    status : str
        The assessment's status if the task is known to be looking up and down.
    drawn_deg, low_deg, high_deg : float
        Angle from up to down, and its bounds as measured.
    """

    face: str
    lid_follow: float
    drawn: float
    vertical: float
    up_share: float
    down_share: float
    down_range: float
    fissure_down: float
    ear_down: float
    f1: float
    prolonged: int
    in_pictures: float
    status: str
    drawn_deg: float
    low_deg: float
    high_deg: float

    @property
    def failures(self) -> list[str]:
        """Names of the criteria that are not met; empty if all are."""
        down = self.down_share * self.drawn
        met = {
            "F1": self.f1 >= MIN_F1,
            "prolonged": self.prolonged == 0,
            # The range's end, a percentile, may lie beyond the median of the gaze down.
            "down": self.down_range >= (1 - MAX_DOWN_LOST) * down,
            "suspected": self.status != "suspected" or self.drawn < HEALTHY,
            "degrees": self.low_deg <= self.drawn_deg <= self.high_deg,
        }
        return [name for name, is_met in met.items() if not is_met]


def measure_faces(finder: FaceFinder, short: bool) -> list[FacePoint]:
    """Measure every face at each amplitude and with each way of the lids to follow.

    Parameters
    ----------
    finder : FaceFinder
    short : bool
        One amplitude, and only lids that stay or follow.

    Returns
    -------
    list of FacePoint
    """
    points = []
    for face in FACES:
        for lid_follow in (0.0, 1.0) if short else LID_FOLLOWS:
            for amplitude in (0.12,) if short else AMPLITUDES:
                spec = make_clip(face, lid_follow, amplitude)
                (measured,) = measure_spec(finder, spec, [PLAIN])
                points.append(make_face_point(spec, measured, amplitude))
    return points


def make_clip(face: str, lid_follow: float, amplitude: float) -> ClipSpec:
    """Make the spec of one face's clip: ahead, up, ahead and down, a quarter of it each.

    `amplitude` is how far up and down, in canthal distances.
    """
    gaze = (0.0, -amplitude, 0.0, amplitude)
    return base_spec(
        DURATION_S,
        fps=FPS,
        blinks_per_min=BLINKS_PER_MIN,
        seed=SEED,
        gaze=tuple(GazePhase(i * DURATION_S / 4, vertical) for i, vertical in enumerate(gaze)),
        face=face,
        lid_follow=lid_follow,
    )


def make_face_point(spec: ClipSpec, measured: Measured, amplitude: float) -> FacePoint:
    """Compare what was measured of a face's clip with what was drawn.

    `spec` and `amplitude` are those of `make_clip`.
    """
    truth, analysis = compute_truth(spec), measured.analysis
    is_open = truth.closure.max(axis=1) == 0
    ahead, up, down = (
        is_open & (truth.gaze_vertical == vertical) for vertical in (0.0, -amplitude, amplitude)
    )

    def median(values: Any, where: Any) -> float:
        return float(np.nanmedian(values[where]))

    gaze, ear, measures = analysis.gaze.vertical, analysis.traces.ear, analysis.measures
    fissure = truth.fissure.mean(axis=1)
    asked = assess(analyze_track(analysis.track, Parameters(task="up_down")))
    low_deg, high_deg = measures.vertical_peak_to_peak_deg_range
    return FacePoint(
        face=spec.face,
        lid_follow=spec.lid_follow,
        drawn=amplitude,
        vertical=measures.vertical_peak_to_peak,
        up_share=(median(gaze, ahead) - median(gaze, up)) / amplitude,
        down_share=(median(gaze, down) - median(gaze, ahead)) / amplitude,
        down_range=measures.down_range,
        fissure_down=median(fissure, down) / median(fissure, ahead),
        ear_down=median(ear, down) / median(ear, ahead),
        f1=summarize_scores([score_spec(spec, measured)]).f1,
        prolonged=int(np.count_nonzero(analysis.events.closures.kind == PROLONGED_CLOSURE)),
        in_pictures=measured.quality.picture_gaze_range,
        status=asked.status,
        drawn_deg=2 * float(rotation_deg(amplitude)),
        low_deg=low_deg,
        high_deg=high_deg,
    )


def share_of_angles_held(points: Sequence[FacePoint]) -> float:
    """Return the share of clips whose interval in degrees contains the drawn angle."""
    return float(np.mean(["degrees" not in point.failures for point in points]))


def format_faces(points: Sequence[FacePoint]) -> str:
    """Return the faces as a table."""
    lines = [
        "\nfaces, and lids that follow the gaze: up and down shares of the drawn gaze, lid opening "
        "looking down over ahead",
        f"{'':28} {'lids':>4} {'drawn':>5} {'range':>6} {'up':>5} {'down':>5} {'range':>6} "
        f"{'drawn':>5} {'EAR':>5} {'F1':>5} {'long':>4} {'shown':>5} {'status':14} {'drawn':>6} "
        f"{'degrees':>13}  broken",
    ]
    lines += [
        f"{p.face:28} {p.lid_follow:4.1f} {p.drawn:5.2f} {p.vertical:6.3f} {p.up_share:5.2f} "
        f"{p.down_share:5.2f} {p.down_range:6.3f} {p.fissure_down:5.2f} {p.ear_down:5.2f} "
        f"{p.f1:5.3f} {p.prolonged:4d} {p.in_pictures:5.2f} {p.status:14} {p.drawn_deg:5.1f}° "
        f"{f'{p.low_deg:.1f} to {p.high_deg:.0f}':>13}  {' '.join(p.failures)}"
        for p in points
    ]
    held = share_of_angles_held(points)
    lines.append(
        f"intervals in degrees that hold what is drawn: {held:.1%} "
        f"({'' if held >= MIN_ANGLES_HELD else 'NOT '}at least {MIN_ANGLES_HELD:.0%})"
    )
    return "\n".join(lines)


def draw_faces(axes: Any, points: Sequence[FacePoint]) -> None:
    """Plot the measured over the drawn range of each face into matplotlib's `axes`."""
    largest = max(point.drawn for point in points)
    for lid_follow, colour in zip(LID_FOLLOWS, (GREY, ORANGE, BLUE), strict=True):
        shown = [p for p in points if p.lid_follow == lid_follow and p.drawn == largest]
        names = [p.face.replace("astronaut_with_", "") for p in shown]
        shares = [p.vertical / (2 * p.drawn) for p in shown]
        axes.plot(names, shares, "o", color=colour, ms=4, label=f"lids follow by {lid_follow:g}")
    axes.set_ylim(0, 0.6)
    axes.tick_params(axis="x", labelrotation=60)
    axes.set_title("gaze: measured / drawn range", fontsize=9)
    axes.legend(fontsize=6)
