"""The faces of the sweeps: what counts as broken, and that lids lowered with the gaze do not."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from benchmarks.clips import PLAIN, SIDE_PX, SWAY_PX, measure_spec
from benchmarks.faces import FacePoint, format_faces, make_clip, share_of_angles_held
from tests.lengths import LONG, thin
from tracker.face.mesh import FaceMesh
from tracker.lab.clip_spec import ClipSpec, LidClosure, glances_spec
from tracker.lab.faces import FACES
from tracker.lab.synthetic import compute_truth
from tracker.measures.analysis import analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.protocol import Phase

# Drawn 0.2 down and seen by 0.4 of it: 0.08.
FINE = FacePoint(
    face="astronaut",
    lid_follow=1.0,
    drawn=0.2,
    vertical=0.16,
    up_share=0.4,
    down_share=0.4,
    down_range=0.075,
    fissure_down=0.68,
    ear_down=0.7,
    f1=1.0,
    prolonged=0,
    in_pictures=0.2,
    status="borderline",
    drawn_deg=73.7,
    low_deg=20.0,
    high_deg=90.0,
)

BEHIND_SPECTACLES = {"officer", "astronaut_with_spectacles"}
"""FaceMesh shows so little of their gaze that noise makes up a part of their range."""


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({}, []),
        ({"f1": 0.94}, ["F1"]),
        ({"f1": np.nan}, ["F1"]),
        ({"prolonged": 1}, ["prolonged"]),
        ({"status": "suspected"}, ["suspected"]),
        ({"status": "not_assessable"}, []),
        ({"down_range": 0.071}, ["down"]),
        ({"down_range": np.nan}, ["down"]),
        ({"high_deg": 73.0}, ["degrees"]),
        ({"low_deg": 74.0}, ["degrees"]),
    ],
    ids=str,
)
def test_a_clip_is_broken_by_what_is_wrong(change: dict[str, float], broken: list[str]) -> None:
    assert replace(FINE, **change).failures == broken


def test_the_share_of_angles_that_are_held_is_counted() -> None:
    points = 3 * [FINE] + [replace(FINE, high_deg=50.0)]
    assert share_of_angles_held(points) == 0.75
    assert "75.0% (NOT at least 95%)" in format_faces(points)
    assert "100.0% (at least 95%)" in format_faces(points[:3])


def test_the_clip_holds_up_and_down_for_a_quarter_each() -> None:
    truth = compute_truth(make_clip("officer", 0.5, 0.2))
    assert (truth.spec.face, truth.spec.lid_follow) == ("officer", 0.5)
    vertical = truth.gaze_vertical
    for gaze, share in ((-0.2, 0.25), (0.2, 0.25), (0.0, 0.5)):
        assert np.mean(vertical == gaze) == pytest.approx(share, abs=0.03)
    assert len(truth.closures) == 9


SHORT: dict[str, Any] = {} if LONG else {"duration_s": 30.0}


def make_glances(face: str, **fields: Any) -> ClipSpec:
    """Make 30 s of glances up and down by 37 degrees; in the long form, two minutes.

    Each glance is held for 0.4 to 10 s.
    """
    size = {"width": SIDE_PX, "height": SIDE_PX, "fps": 15.0, "sway_px": SWAY_PX, **SHORT}
    return glances_spec(0.2, face=face, seed=1, **(size | fields))


@pytest.mark.slow
@pytest.mark.parametrize("face", thin([*FACES], 4))
def test_lids_that_follow_glances_close_in_none(face: str) -> None:
    spec = make_glances(face) if LONG else make_glances(face, duration_s=20.0)
    (measured,) = measure_spec(FaceMesh(), spec, [PLAIN])
    analysis, truth = measured.analysis, compute_truth(spec)
    assert len(analysis.events.closures.kind) == 0
    assert analysis.measures.perclos == 0
    # The iris stays in sight, so that the range down is what the landmarks show of it.
    assert truth.iris_in_sight.min() > 0.45
    assert not analysis.measures.down_range_is_lower_bound
    gaze = analysis.gaze.vertical
    ahead, down = (np.median(gaze[truth.gaze_vertical == drawn]) for drawn in (0.0, 0.2))
    if face in BEHIND_SPECTACLES:
        # Nothing says how large a part of the range the landmarks show: no suspicion rests on it.
        asked = Parameters(task="up_down")
        assert assess(analyze_track(analysis.track, asked)).status != "suspected"
    else:
        assert analysis.measures.down_range == pytest.approx(down - ahead, rel=0.1)


@pytest.mark.slow
@pytest.mark.long
def test_the_range_down_is_a_lower_bound_where_lids_hide_the_iris() -> None:
    """The person is asked to look down, and the lids sink by 0.7 more than they follow."""
    gaze = make_glances("astronaut").gaze
    held = [(a.vertical, a.start_s, b.start_s) for a, b in pairwise(gaze)]
    spec = make_glances(
        "astronaut",
        closures=tuple(LidClosure(a, b - a, 0.7) for vertical, a, b in held if vertical > 0),
    )
    truth = compute_truth(spec)
    assert np.median(truth.iris_in_sight[truth.gaze_vertical == 0.2]) < 0.3
    (measured,) = measure_spec(FaceMesh(), spec, [PLAIN])
    asked = {-0.2: "up", 0.0: "fixate", 0.2: "down"}
    protocol = tuple(Phase(asked[vertical], a, b) for vertical, a, b in held)
    track = measured.analysis.track
    assert analyze_track(track, Parameters(protocol=protocol)).measures.down_range_is_lower_bound
