"""The faces that synthetic clips animate: where their eyes are, and how their lids follow the gaze.

Each portrait is in the public domain and comes with a package that this project installs anyway. A
name with ``_with_`` is a variant: the same portrait, changed as the name says. Lengths without a
unit are in canthal distances: from the inner to the outer corner of the eye.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]
Point = tuple[float, float]

# The eye that is drawn. `kernels.geometry` assumes the same radius and diameter; they are
# written here again, because what is drawn must not depend on what is tested.
CANTHAL_DISTANCE_MM = 30.0
IRIS_RADIUS = 11.7 / CANTHAL_DISTANCE_MM / 2
ROTATION_RADIUS = 10.0 / CANTHAL_DISTANCE_MM
"""Distance from the eye's centre of rotation to the plane of the iris."""

FISSURE_LOOKING_DOWN, LOOKING_DOWN_DEG = 0.66, 40.0
"""A healthy person's lid opening when looking down by this angle, relative to looking ahead.

This was measured in people. The upper lid moves as far as the iris, and the lower lid less far.
"""
LOWER_LID_RISE = 0.1
"""Share of its height by which the lower lid rises to meet the upper lid in a closure."""
LID_EXPONENT = 2.5
"""The edge of a lid is ``height * (1 - |2 u| ** LID_EXPONENT)``; u is ±0.5 at the canthi."""


def rotation_deg(gaze: Float64Array | float) -> Float64Array:
    """Return by how many degrees an eye is turned, from the displacement `gaze` of its iris.

    `gaze` is in canthal distances (from corner to corner of the eye), from where the iris is in a
    straight look. It can have any shape; the result has the same, and the same sign. It is NaN
    where no eye can turn so far.
    """
    angle: Float64Array = np.arcsin(np.asarray(gaze, dtype=np.float64) / ROTATION_RADIUS)
    return np.degrees(angle)


def foreshortened(gaze: Float64Array | float) -> Float64Array:
    """Return how wide the iris looks in a turned eye, as a share of its width straight ahead.

    The width is that along the direction in which the eye is turned: 1 in a straight look, less in
    a turned eye, NaN where no eye can turn so far.

    `gaze` is the displacement of the iris in canthal distances (from corner to corner of the eye).
    It can have any shape; the result has the same.
    """
    cosine: Float64Array = np.sqrt(1 - (np.asarray(gaze) / ROTATION_RADIUS) ** 2)
    return cosine


def lid_shape(u: NDArray[Any] | float, half_width: float = 0.5) -> Float64Array:
    """Return a lid's height at `u`, as a share of its height at the middle of the eye.

    `u`, of any shape, runs along the line through the eye's corners: 0 = the middle, `half_width` =
    the lid's end, beyond which the height is 0. The result has the shape of `u`.
    """
    shape: Float64Array = np.maximum(1 - np.abs(np.asarray(u) / half_width) ** LID_EXPONENT, 0)
    return shape


@dataclass(frozen=True, slots=True)
class Face:
    """A portrait that clips are drawn on: its file, where its eyes are, and how to draw new eyes.

    Heights are in canthal distances: from the inner to the outer corner of the eye.

    Attributes
    ----------
    package, file : str
        Distribution that holds the portrait, and the file's path in it.
    size_px : (int, int)
        Width and height of the portrait in pixels.
    canthi_px : tuple, shape (2, 2, 2)
        Canthi (corners), as (x, y), of the subject's left eye, then of the right eye. Of each eye,
        first the canthus towards the subject's right, then the one towards the left.
    centre_px : (float, float)
        Middle of the face, as (x, y).
    short_side_px : float
        Portrait pixels along the frame's shorter side at zoom 1. The face then fills 60 % of it.
    upper_lid, lower_lid : float
        How far the portrait's own lids are above and below the line through the canthi, at the
        middle of the eye.
    primary_vertical_offset : float
        Height of the iris's centre below the midpoint of the canthi while the portrait looks at the
        camera, which is gaze 0. Negative above it.
    skin_above, skin_below : float
        How far the skin that stretches with the lids reaches above the upper and below the lower
        lid's edge. The brows begin above it.
    eye_light : float
        Light on the eyeballs, relative to that in the portrait ``astronaut``.
    opening : float
        Height of the drawn lid opening, relative to that in the portrait: 1 = the same.
    skin_gain : (float, float, float) or None
        Factors on the blue, green and red of the skin; None leaves it as it is.
    draws_spectacles : bool
        Whether spectacles are drawn over the eyes.
    rims_px : tuple
        Polygons, each a tuple of points (x, y), around the rims and reflections, near the lids, of
        spectacles that the portrait wears; empty without. They stay in place while the skin below
        them moves.
    """

    package: str
    file: str
    size_px: tuple[int, int]
    canthi_px: tuple[tuple[Point, Point], tuple[Point, Point]]
    centre_px: Point
    short_side_px: float
    upper_lid: float
    lower_lid: float
    primary_vertical_offset: float
    skin_above: float = 0.40
    skin_below: float = 0.30
    eye_light: float = 1.0
    opening: float = 1.0
    skin_gain: tuple[float, float, float] | None = None
    draws_spectacles: bool = False
    rims_px: tuple[tuple[Point, ...], ...] = ()

    @property
    def fissure(self) -> float:
        """Height of the drawn lid opening in a straight look, over the eye's width."""
        return self.opening * (self.upper_lid + self.lower_lid)

    def lid_heights(
        self,
        closure: Float64Array | np.float64,
        vertical: Float64Array | np.float64,
        follow: float,
    ) -> tuple[Float64Array, Float64Array]:
        """Compute where the edges of the upper and the lower lid are at the middle of the eye.

        A canthal distance is that between the two corners of the eye, the canthi.

        Parameters
        ----------
        closure : ndarray, any shape, float64
            Closure of the lids: 0 = open, 1 = shut.
        vertical : ndarray, a shape that broadcasts with it, float64
            Vertical gaze: displacement of the iris in canthal distances, down positive.
        follow : float
            How far the lids follow the gaze: 0 = they stay, 1 = as a healthy person's.

        Returns
        -------
        tuple of ndarray, both of the broadcast shape
            How far the upper lid's edge, then the lower lid's, is below the line through the
            canthi, in canthal distances. Above the line is negative, as is the upper lid of an eye
            that looks straight ahead. The two are equal where the lids are shut.
        """
        looking_down = ROTATION_RADIUS * np.sin(np.radians(LOOKING_DOWN_DEG))
        lowered = follow * np.asarray(vertical, dtype=np.float64)
        opening = self.fissure * (1 - (1 - FISSURE_LOOKING_DOWN) * lowered / looking_down)
        lower_open = lowered - self.opening * self.upper_lid + opening
        lower = lower_open - LOWER_LID_RISE * closure * self.opening * self.lower_lid
        return np.asarray(lower - (1 - closure) * opening), np.asarray(lower)

    def iris_in_sight(
        self,
        closure: Float64Array,
        vertical: Float64Array,
        horizontal: Float64Array,
        follow: float,
    ) -> Float64Array:
        """Compute how much of the iris the lids leave in sight.

        Parameters
        ----------
        closure, vertical, horizontal : ndarray, shapes that broadcast, float64
            Closure of the lids, 0 = open to 1 = shut; and displacement of the iris in canthal
            distances (from corner to corner of the eye), down and the subject's left positive.
        follow : float
            How far the lids follow the gaze: 0 = they stay, 1 = as a healthy person's.

        Returns
        -------
        ndarray, of the broadcast shape
            Share of the iris's height, at its middle, between the lids: 0 = hidden, 1 = all.
        """
        upper, lower = (
            height * lid_shape(horizontal) for height in self.lid_heights(closure, vertical, follow)
        )
        centre, radius = (
            self.primary_vertical_offset + vertical,
            IRIS_RADIUS * foreshortened(vertical),
        )
        seen = np.minimum(lower, centre + radius) - np.maximum(upper, centre - radius)
        return np.asarray(np.maximum(seen, 0) / (2 * radius))


# Points in portraits were read off by eye, at an enlargement of 14 and of 7.
_ASTRONAUT = Face(
    package="scikit-image",
    file="skimage/data/astronaut.png",  # NASA
    size_px=(512, 512),
    canthi_px=(((237.0, 105.3), (256.3, 104.4)), ((195.6, 100.8), (213.8, 103.9))),
    centre_px=(224.0, 124.0),
    short_side_px=180.0,
    upper_lid=0.225,
    lower_lid=0.125,
    primary_vertical_offset=-0.05,
)
_OFFICER = Face(
    package="matplotlib",
    file="matplotlib/mpl-data/sample_data/grace_hopper.jpg",  # US Navy
    size_px=(512, 600),
    canthi_px=(((286.0, 194.0), (324.0, 189.5)), ((203.0, 192.5), (243.0, 195.0))),
    centre_px=(267.0, 233.0),
    short_side_px=337.0,
    upper_lid=0.25,
    lower_lid=0.05,
    primary_vertical_offset=-0.10,
    skin_above=0.35,
    eye_light=0.85,
    rims_px=(
        ((321, 174), (329, 173), (338, 183), (330, 187)),
        (
            (184, 178), (200, 175), (215, 174), (230, 176), (249, 180.5),
            (249, 183), (235, 181), (222, 180), (211, 180.5), (211, 184), (201, 186), (192, 190),
        ),
        (
            (279, 179), (290, 173), (300, 169), (315, 167.5), (335, 168), (350, 168),
            (350, 177), (335, 175), (322, 173), (310, 173.5), (300, 175.5), (290, 179), (279, 182),
        ),
    ),
)  # fmt: skip
FACES = {
    "astronaut": _ASTRONAUT,
    "officer": _OFFICER,
    "astronaut_with_darker_skin": replace(_ASTRONAUT, skin_gain=(0.30, 0.36, 0.44), eye_light=0.9),
    "astronaut_with_narrow_eyes": replace(_ASTRONAUT, opening=0.65),
    "astronaut_with_spectacles": replace(_ASTRONAUT, draws_spectacles=True),
}
"""The faces by name. `tracker.lab.clip_spec.ClipSpec.face` is one of the names."""
