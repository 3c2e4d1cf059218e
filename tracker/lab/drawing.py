"""Draw the frames of a synthetic clip: a portrait whose eyes move and blink.

The background of each frame is a still portrait (`tracker.lab.faces`). Over each of its eyes, a new
eye is painted, with the gaze and the lid closure that the clip has at that moment. The lids also
follow the vertical gaze, and the skin around them is stretched with them. `_Eye` defines the
coordinates u and v in which an eye is painted.
"""

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.lab.clip_spec import LEFT, RIGHT, ClipSpec, Float32Array, Float64Array, Image
from tracker.lab.faces import FACES, IRIS_RADIUS, Face, foreshortened, lid_shape
from tracker.lab.portraits import (
    ENLARGEMENT,
    bare_skin,
    enlarged_portrait,
    eye_axes,
    open_skin,
    spectacles,
)

# The drawn eye, in canthal distances.
PUPIL_RADIUS = 0.4 * IRIS_RADIUS
LASH_BAND = 0.10
"""Height of the strip of skin along the upper lid's edge that moves with the lid unstretched."""
BARE_AT_LOWERED = 0.6
"""Once the upper lid has been lowered by this share of the lid opening, it is drawn as bare skin.
On the way there, the portrait's eyeliner and lid crease fade out."""
BOX_U, BOX_V = (-0.85, 0.85), (-0.80, 0.55)
"""Least and largest u and v of the box that is painted for each eye (see `_Eye`). Outside the boxes
the portrait is unchanged."""

# Colours, blue-green-red.
PLAIN_BGR = (150, 148, 142)
SCLERA, CARUNCLE, IRIS, LIMBUS = np.array(
    [[205, 208, 214], [130, 140, 190], [38, 62, 92], [22, 32, 48]], np.float32
)
PUPIL, HIGHLIGHT, UPPER_LASHES, LOWER_RIM = np.array(
    [[14, 14, 18], [245, 245, 245], [28, 36, 52], [70, 80, 120]], np.float32
)
_NOISE_MARGIN_PX = 64
STILL = 1e-4
"""Eyes that move by less than this within an exposure are drawn as if they stood still."""


def render_frame(spec: ClipSpec, time_s: float) -> Image:
    """Draw the frame at one moment of a clip.

    Parameters
    ----------
    spec : ClipSpec
    time_s : float
        Seconds since the first frame, so that the first frame has 0 whatever
        `ClipSpec.start_time_s`.

    Returns
    -------
    ndarray, shape (height, width, 3), uint8
        Blue, green and red of each pixel. Nothing is compressed yet.

    Raises
    ------
    SyntheticSetupError
        The portrait is not installed.
    """
    return _renderer(spec).render(time_s)


@functools.lru_cache(maxsize=2)
def _renderer(spec: ClipSpec) -> "_Renderer":
    return _Renderer(spec)


class _Renderer:
    """Draws the frames of one clip.

    What all frames share, such as the placed portrait of a head that does not sway, is prepared
    once.
    """

    def __init__(self, spec: ClipSpec) -> None:
        self._spec = spec
        self._face = FACES[spec.face]
        self._still = None if spec.sway_px > 0 else self._place_face(0.0)
        self._noise: NDArray[np.int8] | None = None
        if spec.noise_std > 0:
            # The field is larger than a frame, and each frame adds a different part of it. New
            # random numbers for every frame would take ten times as long as everything else.
            rng = np.random.default_rng((spec.seed, 2))
            shape = (spec.height + _NOISE_MARGIN_PX, spec.width + _NOISE_MARGIN_PX, 3)
            noise = spec.noise_std * rng.standard_normal(shape, dtype=np.float32)
            self._noise = np.clip(np.rint(noise), -127, 127).astype(np.int8)

    def render(self, time_s: float) -> Image:
        spec = self._spec
        if spec.face_present_at(time_s):
            background, eyes = self._still or self._place_face(time_s)
            frame = background.copy()
            for eye in eyes:
                frame[eye.rows, eye.columns] = self._expose(eye, time_s)
        else:
            frame = np.full((spec.height, spec.width, 3), PLAIN_BGR, dtype=np.uint8)
        if spec.blur_sigma_px > 0:
            frame = cv2.GaussianBlur(frame, (0, 0), spec.blur_sigma_px)  # type: ignore[assignment]
        if self._noise is not None:
            rng = np.random.default_rng((spec.seed, 3, round(time_s * 1e6)))
            top, left = rng.integers(0, _NOISE_MARGIN_PX, 2)
            noise = self._noise[top : top + spec.height, left : left + spec.width]
            frame = cv2.add(frame, noise, dtype=cv2.CV_8U)  # type: ignore[assignment]
        return frame

    def _expose(self, eye: "_Eye", time_s: float) -> Image:
        """Return the pixels around an eye as the frame with this timestamp shows them.

        They are the rectangle `eye.rows` by `eye.columns`, with three colours. An eye or a lid that
        moves during the exposure is smeared. All rows are exposed at the same time as the
        rectangle's middle row. `time_s` is in seconds from the clip's start.
        """
        spec = self._spec
        middle = (eye.rows.start + eye.rows.stop) / 2
        moments_s = spec.exposed_at(time_s, middle / spec.height)
        states = np.column_stack(
            (spec.closure_at(moments_s)[:, eye.side], *spec.gaze_at(moments_s))
        )
        if np.ptp(states, axis=0).max() < STILL:
            states = states[:1]
        pictures = [
            eye.draw(closure, vertical, horizontal, spec.lid_follow)
            for closure, vertical, horizontal in states.tolist()
        ]
        if len(pictures) == 1:
            return pictures[0]
        exposed: Image = np.rint(np.mean(pictures, axis=0)).astype(np.uint8)
        return exposed

    def _place_face(self, time_s: float) -> "tuple[Image, list[_Eye]]":
        """Draw the portrait where the head is at this time, in seconds from the clip's start.

        Return the picture, as large as a frame, and the eyes to be painted: first the left, then
        the right one. An eye whose box (see `_Eye`) is wholly outside the frame is left out.
        """
        spec, face = self._spec, self._face
        scale = spec.zoom * min(spec.width, spec.height) / face.short_side_px
        left_px, right_px = (np.array(face.canthi_px[side]) for side in (LEFT, RIGHT))
        right_to_left = left_px.sum(axis=0) - right_px.sum(axis=0)
        # Remove the portrait's own roll, so that the head's roll is `roll_deg`.
        angle = np.radians(spec.roll_deg) - np.arctan2(right_to_left[1], right_to_left[0])
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        phase = 2 * np.pi * time_s / spec.sway_period_s
        centre = np.array(
            [
                spec.width / 2 + spec.shift_x_px + spec.sway_px * np.sin(phase),
                spec.height / 2 + spec.shift_y_px + spec.sway_px / 2 * np.sin(2 * phase),
            ]
        )
        shift = centre - turn @ np.array(face.centre_px)
        # Pixel centres are at whole numbers, so x in the portrait is ENLARGEMENT * (x + 0.5) - 0.5
        # in the enlarged portrait.
        from_enlarged = np.column_stack(
            (turn / ENLARGEMENT, shift + turn @ np.full(2, 0.5 / ENLARGEMENT - 0.5))
        )

        def place(picture: Image) -> Image:
            placed: Image = cv2.warpAffine(  # type: ignore[assignment]
                picture,
                from_enlarged,
                (spec.width, spec.height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            return placed

        background = place(enlarged_portrait(spec.face))
        layer = spectacles(spec.face)
        glass = None if layer is None else place(layer)
        if glass is not None:
            background = _lay_over(background, glass)
        eyes = [
            _Eye.place(spec.face, side, turn, shift, background.shape, glass)
            for side in (LEFT, RIGHT)
        ]
        return background, [eye for eye in eyes if eye is not None]


def _lay_over(image: Image, layer: Image) -> Image:
    """Return the picture `image` (h, w, 3) with `layer` (h, w, 4) over it.

    The fourth channel of `layer` is its opacity, from 0 to 255.
    """
    opacity = layer[..., 3:] * np.float32(1 / 255)
    return np.rint(image + opacity * (layer[..., :3] - np.float32(1) * image)).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class _Eye:
    """An eye to be painted into a box of the frame: a rectangle of pixels around the eye.

    A point of the box has coordinates u and v. They are 0 midway between the two corners of the eye
    (canthi), and 1 is the distance between the corners. u grows along the line through the corners,
    to the subject's left. v grows at right angles to that line, towards the chin.

    Attributes
    ----------
    face_name : str
        Key of `FACES`.
    face : Face
    side : int
        `LEFT` or `RIGHT`.
    rows, columns : slice
        The box's pixels in the frame.
    u, v : ndarray, shape (box height, box width), float32
        Coordinates of each pixel of the box.
    lid_shape : ndarray, shape (box height, box width), float32
        Height of a lid at each pixel's u, as a share of its height at the middle of the eye.
    """

    face_name: str
    face: Face
    side: int
    rows: slice
    columns: slice
    u: Float32Array
    v: Float32Array
    lid_shape: Float32Array
    edge: np.float32
    """Width, in units of u, over which edges are blurred: the edge of a real iris is not sharp."""
    source: Float32Array
    """Together with `source_v`, tells where a point with the coordinates u and v is in the enlarged
    portrait: at x (i = 0) and y (i = 1) equal to ``source[..., i] + v * source_v[i]``."""
    source_v: Float32Array
    glass: Image | None
    """Picture of the spectacles in front of the eye, shape (box height, box width, 4), with the
    opacity as its fourth channel; None without spectacles."""

    @classmethod
    def place(
        cls,
        face_name: str,
        side: int,
        turn: Float64Array,
        shift: Float64Array,
        frame_shape: tuple[int, ...],
        glass: Image | None,
    ) -> "_Eye | None":
        """Return an eye of the portrait, or None if its whole box lies outside the frame.

        Parameters
        ----------
        face_name : str
            Key of `FACES`.
        side : int
            `LEFT` or `RIGHT`.
        turn, shift : ndarray, shapes (2, 2) and (2,), float64
            A pixel p = (x, y) of the portrait is at ``turn @ p + shift`` in the frame.
        frame_shape : tuple of int
            The frame's height and width come first; the rest is not used.
        glass : ndarray, shape (height, width, 4), uint8, or None
            Picture of the spectacles, as large as the frame, with the opacity as its fourth
            channel; None without spectacles.
        """
        face = FACES[face_name]
        midpoint, axis, width_px = eye_axes(face, side)
        across = np.array([-axis[1], axis[0]])
        corners = np.array(
            [midpoint + width_px * (u * axis + v * across) for u in BOX_U for v in BOX_V]
        )
        corners = corners @ turn.T + shift
        left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 1
        right, bottom = min(right, frame_shape[1]), min(bottom, frame_shape[0])
        if right <= left or bottom <= top:
            return None
        y, x = np.mgrid[top:bottom, left:right]
        from_midpoint = (np.stack((x, y), axis=-1) - shift) @ np.linalg.inv(turn).T - midpoint
        u = (from_midpoint @ axis / width_px).astype(np.float32)
        unit = ENLARGEMENT * width_px
        origin = ENLARGEMENT * (midpoint + 0.5) - 0.5
        frame_px_per_unit = width_px * np.hypot(turn[0, 0], turn[1, 0])
        rows, columns = slice(int(top), int(bottom)), slice(int(left), int(right))
        return cls(
            face_name=face_name,
            face=face,
            side=side,
            rows=rows,
            columns=columns,
            u=u,
            v=(from_midpoint @ across / width_px).astype(np.float32),
            lid_shape=lid_shape(u).astype(np.float32),
            edge=np.float32(max(1 / frame_px_per_unit, 0.02)),
            source=(origin + unit * u[..., None] * axis).astype(np.float32),
            source_v=(unit * across).astype(np.float32),
            glass=None if glass is None else glass[rows, columns],
        )

    def draw(self, closure: float, vertical: float, horizontal: float, follow: float) -> Image:
        """Return the box with the eye painted in it, shape (box height, box width, 3), uint8.

        The skin and lids around the eye, and spectacles in front of it, are painted too.
        `closure` is 0 for open and 1 for shut. `vertical` and `horizontal` displace the iris from a
        straight look, in canthal distances (from corner to corner of the eye); down and the
        subject's left are positive. `follow` says how far the lids follow the gaze: 0 = they stay,
        1 = as a healthy person's.
        """
        upper_height, lower_height = (
            float(height)
            for height in self.face.lid_heights(np.float64(closure), np.float64(vertical), follow)
        )
        upper = np.float32(upper_height) * self.lid_shape
        lower = np.float32(lower_height) * self.lid_shape
        lowered = upper_height + self.face.opening * self.face.upper_lid
        image = self._draw_skin(upper, lower, lowered / self.face.fissure)
        # The lashes hide the last of the slit before the edges of the lids meet.
        opening = self._step(self.v - upper) * self._step(lower - self.v) * (self.lid_shape > 0)
        opening *= np.float32(min((lower_height - upper_height) / 0.03, 1.0))
        eyeball = self._draw_eyeball(upper, vertical, horizontal)
        _blend(image, eyeball, opening)
        near_lids = np.minimum(4 * self.lid_shape, 1)
        rim = np.exp(-(((self.v - lower - 0.01) / 0.02) ** 2)) * near_lids
        _blend(
            image,
            LOWER_RIM * np.float32(self.face.eye_light),
            np.float32(0.5 * (1 - closure)) * rim,
        )
        lashes = np.exp(-(((self.v - upper + 0.005) / 0.022) ** 2)) * near_lids
        _blend(image, UPPER_LASHES, np.float32(0.75) * lashes)
        drawn = np.clip(image + 0.5, 0, 255).astype(np.uint8)
        return drawn if self.glass is None else _lay_over(drawn, self.glass)

    def _draw_skin(self, upper: Float32Array, lower: Float32Array, lowered: float) -> Float32Array:
        """Return the portrait's skin in the box, stretched so that its lids end where they should.

        Parameters
        ----------
        upper, lower : ndarray, shape (box height, box width), float32
            Where the upper and the lower lid should end above and below each pixel: the coordinate
            v of the lid's edge (see `_Eye`) at the pixel's u.
        lowered : float
            How far the upper lid has come down from where it is in a straight look, as a share of
            the height of the lid opening; negative if it went up. It fades the portrait's eyeliner
            and lid crease out: they are gone at `BARE_AT_LOWERED`.

        Returns
        -------
        ndarray, shape (box height, box width, 3), float32
            Blue, green and red, 0 to 255.
        """
        own_upper = -np.float32(self.face.upper_lid) * self.lid_shape
        own_lower = np.float32(self.face.lower_lid) * self.lid_shape
        top = own_upper - np.float32(self.face.skin_above)
        bottom = own_lower + np.float32(self.face.skin_below)
        above = np.clip((self.v - top) / (upper - np.float32(LASH_BAND) - top), 0, 1)
        below = np.clip((bottom - self.v) / (bottom - lower), 0, 1)
        is_above = self.v < (upper + lower) / 2
        v = self.v + np.where(is_above, above * (own_upper - upper), below * (own_lower - lower))
        x = self.source[..., 0] + v * self.source_v[0]
        y = self.source[..., 1] + v * self.source_v[1]
        bare = min(max(lowered / BARE_AT_LOWERED, 0.0), 1.0)
        # If only one of the two skins is seen, the other one need not be drawn.
        if bare == 1:
            return cv2.remap(bare_skin(self.face_name), x, y, cv2.INTER_LINEAR).astype(np.float32)
        image = cv2.remap(open_skin(self.face_name), x, y, cv2.INTER_LINEAR).astype(np.float32)
        if bare > 0:
            skin = cv2.remap(bare_skin(self.face_name), x, y, cv2.INTER_LINEAR).astype(np.float32)
            image += np.float32(bare) * (skin - image)
        return image

    def _draw_eyeball(
        self, upper: Float32Array, vertical: float, horizontal: float
    ) -> Float32Array:
        primary = self.face.primary_vertical_offset
        # The disc of a turned iris is seen at an angle, as an ellipse.
        across, along = (foreshortened(gaze) for gaze in (horizontal, vertical))
        radius = np.hypot(
            (self.u - np.float32(horizontal)) * np.float32(1 / across),
            (self.v - np.float32(primary + vertical)) * np.float32(1 / along),
        )
        # The eyeball is darker towards the canthi, where it turns away from the light, and below
        # the upper lid.
        shade = (1 - 0.5 * np.minimum(np.abs(2 * self.u), 1) ** 3).astype(np.float32)
        eyeball: Float32Array = SCLERA * shade[..., None]
        inner = -self.u if self.side == LEFT else self.u
        _blend(eyeball, CARUNCLE, np.clip((inner - 0.36) / 0.08, 0, 1))
        iris = np.broadcast_to(IRIS, eyeball.shape).copy()
        _blend(iris, LIMBUS, np.clip((radius / np.float32(IRIS_RADIUS) - 0.75) / 0.25, 0, 1))
        _blend(iris, PUPIL, self._step(np.float32(PUPIL_RADIUS) - radius))
        _blend(eyeball, iris, self._step(np.float32(IRIS_RADIUS) - radius))
        light = np.float32(self.face.eye_light)
        eyeball *= (light * (0.55 + 0.45 * np.clip((self.v - upper) / 0.12, 0, 1)))[..., None]
        # The reflection on the cornea moves less than the iris.
        glint = np.hypot(
            self.u - np.float32(0.6 * horizontal - 0.02),
            self.v - np.float32(0.6 * vertical + primary - 0.05),
        )
        _blend(eyeball, HIGHLIGHT, np.float32(0.9) * self._step(np.float32(0.03) - glint))
        return eyeball

    def _step(self, distance: Float32Array) -> Float32Array:
        """Return 1 inside a shape and 0 outside it, with a smooth change of width `edge` between.

        `distance` is each pixel's distance from the shape's edge, in units of u and v; negative
        outside the shape. The result has its shape.
        """
        share: Float32Array = np.clip(distance / self.edge + np.float32(0.5), 0, 1)
        return share


def _blend(image: Float32Array, over: Float32Array, weight: Float32Array) -> None:
    """Change `image` (h, w, 3) in place towards `over`: a picture (h, w, 3) or one colour (3,).

    `weight` (h, w) tells how far, for each pixel: 0 leaves the pixel, 1 replaces it.
    """
    image += weight[..., None] * (over - image)
