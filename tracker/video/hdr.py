"""Convert videos of high dynamic range (HDR) and wide colours to what an ordinary screen shows.

The models and the limits of picture quality were made for ordinary video. The stored values of the
HDR formats HLG (on iPhones since 2020) and PQ look flat and grey in comparison. Without conversion,
landmarks would be found at other places.

References
----------
.. [1] ITU-R BT.2100-2, tables 4 and 5: the light of each value in PQ and in HLG; that in HLG is for
   a screen of 1000 cd/m2.
.. [2] ITU-R BT.2408: the usual screen's white stands for 203 cd/m2.
.. [3] ITU-R BT.2087-0: BT.2020's colours in those of BT.709.
.. [4] ITU-R BT.1886: the usual screen's exponent.
"""

import functools
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""ITU-T H.273's numbers of transfer characteristics."""
BT2020 = 9
"""ITU-T H.273's number of colour primaries."""
WHITE_CD_M2 = 203.0
SHOULDER = 0.8
"""Light, relative to white, above which it is compressed instead of cut off."""

_LEVELS = 4096
_BRIGHTEST = 8.0
"""Light relative to white, above which no difference is kept."""
_SCREEN_EXPONENT = 2.4
_HLG_SCREEN_CD_M2, _HLG_EXPONENT = 1000.0, 1.2
_LUMINANCE = np.array([[0.2627, 0.6780, 0.0593]], np.float32)
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)


@dataclass(frozen=True, slots=True)
class Light:
    """How a video codes light and colour in the pixel values that it stores.

    Attributes
    ----------
    transfer, primaries : int
        Codes of ITU-T H.273 for the transfer function and for the colour primaries.
    """

    transfer: int
    primaries: int

    @property
    def usual(self) -> bool:
        """Whether an ordinary screen shows the stored values as they are."""
        return self.transfer not in (PQ, HLG) and self.primaries != BT2020

    def show(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert stored red, green and blue to the values that an ordinary screen should show.

        Parameters
        ----------
        colours : ndarray, shape (H, W, 3), float32
            Stored values, 0 to 1.

        Returns
        -------
        ndarray, shape (H, W, 3), float32
            Values for the screen, 0 to 1.
        """
        light = _look_up(_light_table(self.transfer), colours, 1.0)
        if self.transfer == HLG:
            luminance: Any = cv2.transform(light, _LUMINANCE)
            light *= cv2.pow(luminance, _HLG_EXPONENT - 1)[..., np.newaxis]
            light *= np.float32(_HLG_SCREEN_CD_M2 / WHITE_CD_M2)
        if self.primaries == BT2020:
            light = cv2.transform(light, _TO_BT709)  # type: ignore[assignment]
        np.maximum(light, 0, out=light)
        root: Any = cv2.sqrt(light)
        return _look_up(_screen_table(), root, float(np.sqrt(_BRIGHTEST)))

    def show_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Convert stored pixels to those that an ordinary screen should show.

        Both have the shape (H, W, 3): blue, green and red, 0 to 255.
        """
        colours: Any = pixels[..., ::-1].astype(np.float32) / 255
        shown: Any = np.rint(255 * self.show(colours)).astype(np.uint8)
        return np.ascontiguousarray(shown[..., ::-1])


def _look_up(
    table: NDArray[np.float32], values: NDArray[np.float32], most: float
) -> NDArray[np.float32]:
    places = values * np.float32((_LEVELS - 1) / most)
    places += np.float32(0.5)
    np.clip(places, 0, _LEVELS - 1, out=places)
    return table.take(places.astype(np.intp))


@functools.cache
def _light_table(transfer: int) -> NDArray[np.float32]:
    """Return the amount of light for each of `_LEVELS` stored values, evenly spaced from 0 to 1.

    `transfer` is ITU-T H.273's code of the transfer function. For PQ and ordinary video, an amount
    of 1 is the light of white, and PQ goes far above it. For HLG, 1 is the brightest light. Shape
    (`_LEVELS`,), to be looked up instead of computed for each pixel.
    """
    values = np.linspace(0, 1, _LEVELS)
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)
    elif transfer == PQ:
        m1, m2 = 2610 / 16384, 2523 / 4096 * 128
        c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
        root = values ** (1 / m2)
        light = 10_000 / WHITE_CD_M2 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    else:
        light = values**_SCREEN_EXPONENT
    return light.astype(np.float32)


@functools.cache
def _screen_table() -> NDArray[np.float32]:
    """Return the value, 0 to 1, that the screen gets for each of `_LEVELS` amounts of light.

    The amounts, relative to white, go from 0 to `_BRIGHTEST`. Their square roots are evenly spaced,
    so that dark ones lie closer together: look up by the square root of the light. Shape
    (`_LEVELS`,).
    """
    light = np.linspace(0, np.sqrt(_BRIGHTEST), _LEVELS) ** 2
    above = np.maximum(light - SHOULDER, 0) / (1 - SHOULDER)
    shown = np.minimum(light, SHOULDER) + (1 - SHOULDER) * (1 - np.exp(-above))
    values: NDArray[np.float32] = (shown ** (1 / _SCREEN_EXPONENT)).astype(np.float32)
    return values
