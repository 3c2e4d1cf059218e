"""Every cell of the files, from a recording in which no two numbers are alike.

Left and right differ, the gaze goes both ways, source frames are skipped unevenly, and closures
stand at either end; each value is worked by hand from what the track was made with.
"""

import csv
import dataclasses
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tests.made_tracks import EYE_WIDTH_PX, GOOD_IMAGE, IRIS_WIDTH_PX, make_landmarks, make_track
from tracker.files import tables
from tracker.files.columns import SACCADE_COLUMNS
from tracker.files.summary import summarize, to_json, write_analysis
from tracker.measures.analysis import Analysis, analyze_track
from tracker.measures.assessment import assess
from tracker.parameters import Parameters
from tracker.video.frames import VideoInfo

COUNT, FPS, STEP = 900, 30, 3
OPEN = np.array([0.32, 0.28])  # left, right
# First and last sample + 1 of each closure, and by what both eyes' openings are multiplied.
CLOSURES = ((0, 8, 0.20), (200, 206, 0.30), (400, 430, 0.10), (600, 612, 0.40), (895, 900, 0.25))
DIP = 800
KINDS = ("blink", "blink", "prolonged_closure", "blink", "blink")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    ears = np.tile(OPEN, (COUNT, 1))
    for start, stop, level in CLOSURES:
        ears[start:stop] *= level
    ears[200:206, 1] = OPEN[1] * 0.4
    # One sample's dip, of one eye: noise.
    ears[DIP, 0] *= 0.5
    down = np.arange(COUNT) >= 480
    vertical = np.where(down[:, np.newaxis], (0.06, 0.04), (-0.05, -0.07))
    horizontal = np.where(down[:, np.newaxis], (0.03, 0.01), (-0.02, 0.02))
    # The lids take the iris along, also just before and after.
    for start, stop, _ in CLOSURES:
        vertical[max(start - 2, 0) : stop + 2] += 0.3
        horizontal[max(start - 2, 0) : stop + 2] -= 0.3
    landmarks = make_landmarks(ears, vertical, horizontal)
    track = make_track(
        landmarks,
        fps=FPS,
        video=VideoInfo(640, 360, 90.0, 2702, bits_per_frame=0.2 * 640 * 360),
        step=STEP,
        frames_decoded=2701,
        frames_failed=2,
        other_face_ratio=0.01,
    )
    # Source frames: every third one, and one more left out at sample 500.
    index = STEP * np.arange(COUNT) + (np.arange(COUNT) >= 500)
    track = dataclasses.replace(track, frame_index=index)
    return analyze_track(track, Parameters())


@pytest.fixture(scope="module")
def files(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_analysis(folder, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("rows", [1, 7, COUNT - 1, COUNT, COUNT + 1])
def test_how_many_rows_are_written_at_a_time_changes_nothing(
    rows: int,
    files: Path,
    analysis: Analysis,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "ROWS_AT_A_TIME", rows)
    summary = summarize(analysis, assess(analysis), "a.mp4")
    for path in write_analysis(tmp_path, "a", analysis, summary):
        assert path.read_bytes() == (files / path.name).read_bytes()


def test_the_texts_of_a_long_recording_are_not_all_in_memory(tmp_path: Path) -> None:
    table = {name: np.arange(0.5, 40_000) for name in "abcde"}
    peaks = []
    for stop in (10_000, 40_000):
        tracemalloc.start()
        tables._write_csv(tmp_path / "a.csv", {name: one[:stop] for name, one in table.items()})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (tmp_path / "a.csv").read_text().count("\n") == 40_001
    assert peaks[1] < 1.5 * peaks[0]


def test_columns_of_different_lengths_are_no_table(tmp_path: Path) -> None:
    for lengths in ((20_000, 10_000), (10_000, 20_000)):
        columns = {str(n): np.zeros(length) for n, length in enumerate(lengths)}
        with pytest.raises(ValueError, match="zip"):
            tables._write_csv(tmp_path / "a.csv", columns)


def test_frames(files: Path) -> None:
    rows = read(files / "a.frames.csv")
    assert len(rows) == COUNT
    expected = {
        # Sample 100: open, looking up. The left eye's middle stands at (400, 200), 60 px wide.
        100: {
            "frame_idx": 300,
            "time_sec": 100 / 30,
            "L_iris_cx": 400 - 0.02 * EYE_WIDTH_PX,
            "L_iris_cy": 200 - 0.05 * EYE_WIDTH_PX,
            "L_eye_open": 0.32,
            "L_v_offset": -0.05,
            "R_iris_cx": 240 + 0.02 * EYE_WIDTH_PX,
            "R_iris_cy": 200 - 0.07 * EYE_WIDTH_PX,
            "R_eye_open": 0.28,
            "R_v_offset": -0.07,
            "eye_open": 0.30,
            "v_offset": -0.06,
            "h_offset": 0.0,
            "L_h_offset": -0.02,
            "R_h_offset": 0.02,
            "eye_open_baseline": 0.30,
            "L_iris_diameter_px": IRIS_WIDTH_PX,
            "R_iris_diameter_px": IRIS_WIDTH_PX,
            "L_palpebral_fissure_px": 0.32 * EYE_WIDTH_PX,
            "R_palpebral_fissure_px": 0.28 * EYE_WIDTH_PX,
            "L_canthal_distance_px": EYE_WIDTH_PX,
            "R_canthal_distance_px": EYE_WIDTH_PX,
            "head_roll_deg": 0.0,
            "head_yaw_deg": 0.0,
        },
        # Sample 700: open, looking down, after the source frame that was left out.
        700: {
            "frame_idx": 2101,
            "time_sec": 700 / 30,
            "L_v_offset": 0.06,
            "R_v_offset": 0.04,
            "v_offset": 0.05,
            "h_offset": 0.02,
            "L_h_offset": 0.03,
            "R_h_offset": 0.01,
        },
        # Sample 203: in a blink.
        203: {"L_eye_open": 0.096, "R_eye_open": 0.112, "eye_open": 0.104},
    }
    for index, cells in expected.items():
        for name, value in cells.items():
            assert float(rows[index][name]) == pytest.approx(value, rel=1e-6, abs=2e-6), (
                index,
                name,
            )
    events = [""] * COUNT
    for (start, stop, _), kind in zip(CLOSURES, KINDS, strict=True):
        events[start:stop] = [kind] * (stop - start)
    assert [row["event"] for row in rows] == events
    # 0.1 s, three samples, on either side of each closure are no gaze.
    gaze = np.ones(COUNT, bool)
    for start, stop, _ in CLOSURES:
        gaze[max(start - 3, 0) : stop + 3] = False
    gaze[DIP] = False
    assert [row["gaze_valid"] == "true" for row in rows] == gaze.tolist()
    assert {row["gaze_valid"] for row in rows} == {"true", "false"}


def test_closures(files: Path) -> None:
    rows = read(files / "a.blinks.csv")
    assert [row["kind"] for row in rows] == list(KINDS)
    # Samples are 1 / 30 s apart; source frames are 3 times the sample, plus 1 from 500 on. The
    # deepest sample is the first; the last closure's end is not seen: its last sample stands for
    # its time, the source frame after it for its offset.
    expected = [
        {"onset": 0, "offset": 8, "onset_frame": 0, "offset_frame": 24, "seen": ("false", "true")},
        {"onset": 200, "offset": 206, "onset_frame": 600, "offset_frame": 618},
        {"onset": 400, "offset": 430, "onset_frame": 1200, "offset_frame": 1290},
        {"onset": 600, "offset": 612, "onset_frame": 1801, "offset_frame": 1837},
        {
            "onset": 895,
            "offset": 899,
            "onset_frame": 2686,
            "offset_frame": 2699,
            "seen": ("true", "false"),
        },
    ]
    amplitudes = [(0.8, 0.8), (0.7, 0.6), (0.9, 0.9), (0.6, 0.6), (0.75, 0.75)]
    for row, wanted, (left, right) in zip(rows, expected, amplitudes, strict=True):
        onset, offset = wanted["onset"], wanted["offset"]
        # Lids that fall within a frame begin to at the last sample with open eyes.
        seen = wanted.get("seen", ("true", "true"))
        onset_s = (onset - (seen[0] == "true")) / 30
        offset_s = offset / 30
        assert float(row["onset_s"]) == pytest.approx(onset_s)
        assert float(row["offset_s"]) == pytest.approx(offset_s)
        assert float(row["peak_s"]) == pytest.approx(onset / 30)
        assert int(row["onset_frame"]) == int(row["peak_frame"]) == wanted["onset_frame"]
        assert int(row["offset_frame"]) == wanted["offset_frame"]
        assert float(row["duration_s"]) == pytest.approx(offset_s - onset_s)
        assert float(row["closing_s"]) == pytest.approx(onset / 30 - onset_s)
        assert float(row["opening_s"]) == pytest.approx(offset_s - onset / 30)
        assert float(row["L_amplitude"]) == pytest.approx(left, abs=1e-5)
        assert float(row["R_amplitude"]) == pytest.approx(right, abs=1e-5)
        # Weighted by the eyes' openings: (0.32 * left + 0.28 * right) / 0.60.
        both = (0.32 * left + 0.28 * right) / 0.60
        assert float(row["amplitude"]) == pytest.approx(both, abs=1e-5)
        assert row["complete"] == row["L_complete"] == row["R_complete"] == "true"
        assert (row["onset_seen"], row["offset_seen"]) == seen


def test_without_steps_the_table_of_saccades_has_its_header_alone(tmp_path: Path) -> None:
    analysis = eyes_shut_at(302, 0.3)
    write_analysis(tmp_path, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    assert (tmp_path / "a.saccades.csv").read_text().splitlines() == [
        ",".join(column.name for column in SACCADE_COLUMNS)
    ]


def eyes_shut_at(frame: int, right: float) -> Analysis:
    """A person whose right eye is that open all the time; both shut for 6 frames, one by all."""
    ears = np.tile([0.3, right], (COUNT, 1))
    ears[300:306] *= 0.1
    ears[frame] = 0
    return analyze_track(make_track(make_landmarks(ears, 0)), Parameters())


def test_an_eye_without_any_opening_is_fully_shut(tmp_path: Path) -> None:
    analysis = eyes_shut_at(302, 0.3)
    write_analysis(tmp_path, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    (row,) = read(tmp_path / "a.blinks.csv")
    assert float(row["L_amplitude"]) == float(row["R_amplitude"]) == 1
    assert row["L_complete"] == row["R_complete"] == row["complete"] == "true"


def test_of_an_eye_that_is_never_open_nothing_is_told(tmp_path: Path) -> None:
    analysis = eyes_shut_at(302, 0.0)
    write_analysis(tmp_path, "a", analysis, summarize(analysis, assess(analysis), "a.mp4"))
    (row,) = read(tmp_path / "a.blinks.csv")
    assert (row["L_amplitude"], row["L_complete"]) == ("1", "true")
    assert (row["R_amplitude"], row["R_complete"]) == ("", "")


def test_what_is_not_known_of_the_encoding_is_null(analysis: Analysis) -> None:
    info = dataclasses.replace(analysis.track.info, video=VideoInfo(640, 360, 90.0, 2702))
    unknown = analyze_track(dataclasses.replace(analysis.track, info=info), Parameters())
    summary = json.loads(to_json(summarize(unknown, assess(unknown), "a.mp4").to_dict()))
    assert summary["quality"]["bits_per_pixel"] is summary["quality"]["bits_per_eye"] is None


def test_summary(files: Path, analysis: Analysis) -> None:
    summary = json.loads((files / "a.summary.json").read_text())
    assert summary == json.loads(to_json(summarize(analysis, assess(analysis), "a.mp4").to_dict()))
    seen_s = 899 / 30
    expected = {
        "frames_processed": 900,
        "fps": (3 * 899 + 1) / seen_s,
        "duration_sec_est": 30.0,
        "valid_time_s": seen_s,
        "vertical_peak_to_peak": 0.11,
        "vertical_peak_to_peak_left": 0.11,
        "vertical_peak_to_peak_right": 0.11,
        "vertical_peak_to_peak_ahead": 0.11,
        "vertical_noise_floor": 0.0,
        "vertical_offset_median": -0.06,
        "horizontal_peak_to_peak": 0.02,
        # 0.02 of 60 px is 1.2 px; 24 px are 11.7 mm: 0.585 mm of a radius of 10: asin, degrees.
        "horizontal_peak_to_peak_deg_est": 3.3537,
        "blink_count": 4,
        "incomplete_blink_count": 0,
        "prolonged_closure_count": 1,
        "blink_rate_per_min": 4 / (seen_s / 60),
        # Of the two blinks that are seen whole, 6 and 12 samples, and one more each.
        "blink_duration_median_s": 10 / 30,
        # Onsets 0, 200, 600, 895: 200, 400 and 295 samples.
        "inter_blink_interval_median_s": 295 / 30,
        "open_ear": 0.30,
        "wink_count": 0,
        "flutter_count": 0,
        "lids_lowered_s": 0.0,
        "down_range_is_lower_bound": False,
        # The made lids do not follow the gaze.
        "upper_lid_range": 0.0,
        "threshold_distance": 0.05,
        # Up, in a blink's wake, and down; the horizontal offset goes from 0 to 0.02.
        "vertical_to_horizontal_ratio": 5.5,
        "primary_position": -0.06,
        "up_range": 0.0,
        "down_range": 0.11,
        "vertical_eye_correlation": 1.0,
        "head_pitch_range_deg": 0.0,
        "nod_allowance": 0.0,
    }
    for name, value in expected.items():
        assert summary[name] == pytest.approx(value, rel=2e-4, abs=1e-6), name
    assert summary["primary_position_source"] == "assumed_first_second"
    assert summary["vertical_saccade_count"] == 0
    assert summary["vertical_saccade_time_ms"] is None
    assert summary["vertical_saccade_time_ms_ci95"] == [None, None]
    assert summary["vertical_saccade_time_ms_reason"] == "no_steps"
    assert summary["saccade_latency_ms_up_reason"] == "no_protocol"
    # Nothing jitters, so that no noise floor can divide.
    assert summary["threshold_distance_in_noise_floors"] is None
    # The made face's inner canthi stand a little higher than the mean face's.
    assert summary["quality"].pop("head_pitch_deg") == pytest.approx(0, abs=0.5)
    gaze_share = summary["quality"].pop("gaze_share")
    assert gaze_share == pytest.approx(summary["gaze_time_s"] / seen_s)
    # The track has no pictures.
    assert summary["quality"].pop("picture_gaze_range") is None
    assert summary["quality"] == pytest.approx(
        {
            "face_coverage": 1.0,
            "sampled_rate_hz": 30.0,
            "longest_gap_s": 1 / 30,
            "canthal_distance_px": EYE_WIDTH_PX,
            "iris_diameter_px": IRIS_WIDTH_PX,
            "head_roll_deg": 0.0,
            "head_yaw_deg": 0.0,
            "head_yaw_spread_deg": 0.0,
            "head_pitch_spread_deg": 0.0,
            "head_moved_share": 0.0,
            "other_face_ratio": 0.01,
            "gap_share": 0.0,
            "sharpness": GOOD_IMAGE.sharpness,
            "contrast_over_noise": GOOD_IMAGE.eye_contrast / GOOD_IMAGE.noise_std,
            "face_grey": GOOD_IMAGE.face_grey,
            "clipped_share": GOOD_IMAGE.clipped_share,
            "bits_per_pixel": 0.2,
            "bits_per_eye": 0.2 * EYE_WIDTH_PX**2,
            # The left eye stays 0.02 below the right one, up and down alike.
            "eye_disagreement": 0.0,
        },
        rel=1e-4,
        abs=1e-4,
    )
    assert summary["video_meta"] == {
        "width": 640,
        "height": 360,
        "fps": 90.0,
        "frame_count": 2702,
        "recorded_at": None,
        "frames_decoded": 2701,
        "frames_failed": 2,
        "recordings": 1,
        "mirrored": False,
        "time_source": "stream",
        "complete": True,
    }
    assert summary["parameters"]["step"] == STEP
    assert summary["assessment"]["status"] == "not_suspected"


def test_perclos_counts_lids_at_80_percent_of_this_persons_closures(analysis: Analysis) -> None:
    """Shut is the median of the complete closures' least openings.

    Ratios: 0.2, (0.32 * 0.3 + 0.28 * 0.4) / 0.6 = 0.3467, 0.1, 0.4, 0.25: median 0.25. Closed by
    80 % is a ratio of at most 1 - 0.8 * 0.75 = 0.4. All samples of all closures are, and the dip's
    is not: 8, 6, 30, 12 and 5 of 899 intervals, half an interval less at either end.
    """
    assert analysis.measures.perclos == pytest.approx((8 + 6 + 30 + 12 + 5 - 0.5 - 0.5) / 899)
