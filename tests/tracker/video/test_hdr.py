"""Light of HLG and PQ against the values of ITU-R BT.2408, and the kinds that stay as they are."""

import numpy as np
import pytest

from tracker.video.hdr import HLG, PQ, Light


def shown(transfer: int, *colour: float, primaries: int = 9) -> np.ndarray:
    colours = np.tile(np.array(colour, np.float32), (2, 1, 1))
    kept = colours.copy()
    result = Light(transfer, primaries).show(colours)
    np.testing.assert_array_equal(colours, kept)
    np.testing.assert_array_equal(result[0], result[1])
    return result[0, 0]


@pytest.mark.parametrize(
    ("hlg", "pq", "cd_m2"),
    # BT.2408, table 1: grey card of 18 %, skin of types 3-4 at their ends, and table 4's white.
    [(0.38, 0.38, 26), (0.75, 0.58, 203)],
)
def test_signals_of_the_same_light_look_the_same(hlg: float, pq: float, cd_m2: float) -> None:
    for signal, transfer in ((hlg, HLG), (pq, PQ)):
        grey = shown(transfer, signal, signal, signal)
        # What a usual screen with a white of 203 cd/m2 needs, before bright light is compressed.
        light = cd_m2 / 203
        if light > 0.8:
            light = 0.8 + 0.2 * (1 - np.exp(-(light - 0.8) / 0.2))
        np.testing.assert_allclose(grey, light ** (1 / 2.4), atol=0.01)


def test_black_is_black_and_the_brightest_is_white() -> None:
    for transfer in (HLG, PQ):
        np.testing.assert_allclose(shown(transfer, 0, 0, 0), 0, atol=0.02)
        np.testing.assert_allclose(shown(transfer, 1, 1, 1), 1, atol=0.005)


def test_brighter_stays_brighter() -> None:
    signal = np.linspace(0, 1, 300, dtype=np.float32)
    for transfer in (HLG, PQ, 1):
        grey = np.repeat(signal[np.newaxis, :, np.newaxis], 3, axis=2)
        assert (np.diff(Light(transfer, 9).show(grey)[0, :, 0]) >= 0).all()


def test_wide_colours_are_narrowed() -> None:
    """BT.709's red is this mixture in BT.2020 (BT.2087, table of the conversion)."""
    red = np.array([0.6274, 0.0691, 0.0164]) ** (1 / 2.4)
    np.testing.assert_allclose(shown(1, *red), (1, 0, 0), atol=0.06)
    grey = shown(1, 0.5, 0.5, 0.5)
    np.testing.assert_allclose(grey, 0.5, atol=0.002)


def test_usual_video_is_left_as_it_is() -> None:
    assert all(Light(transfer, 1).usual for transfer in (0, 1, 2, 6, 13))
    assert not any(Light(*one).usual for one in ((HLG, 9), (PQ, 9), (HLG, 2), (14, 9)))


def test_pixels_are_shown_like_colours() -> None:
    pixels = np.array([[[10, 120, 200], [255, 0, 90]]], np.uint8)
    light = Light(HLG, 9)
    expected = 255 * light.show(np.ascontiguousarray(pixels[..., ::-1].astype(np.float32) / 255))
    assert np.abs(light.show_pixels(pixels)[..., ::-1] - expected).max() <= 0.5
