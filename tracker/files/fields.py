"""Every field of the summary and every column of the tables: once.

The dataclasses below are the summary document; `described` adds to each field its meaning, unit,
group and labels. The JSON Schema, the report's table, the columns of ``cohort.csv`` and of a
sweep, the metadata of Parquet files and ``docs/outputs.md`` are made from them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Status = Literal["suspected", "not_suspected", "not_assessable"]
STATUSES: tuple[Status, ...] = get_args(Status)
Interval = tuple[float | None, float | None]
"""Lower and upper end; both None where there is none."""

T = TypeVar("T")


def described(
    meaning: str,
    *,
    unit: str = "",
    group: str = "",
    en: str = "",
    ko: str = "",
    **options: Any,
) -> Any:
    """Declare a field.

    Parameters
    ----------
    meaning : str
        One line, for the data dictionary.
    unit : str, optional
        Empty for text, counts and pure ratios.
    group : str, optional
        Heading under which `docs/outputs.md` lists it.
    en, ko : str, optional
        Label in the report's table.
    **options
        For `dataclasses.field`.
    """
    metadata = {"meaning": meaning, "unit": unit, "group": group, "en": en, "ko": ko}
    return field(metadata=metadata, **options)


@dataclass(frozen=True, slots=True)
class FindingFields:
    """A reason or a caution."""

    code: str = described("For programs; stable.")
    message: str = described("For people, with the remedy.")


@dataclass(frozen=True, slots=True)
class AssessmentFields:
    """The answer."""

    status: Status = described("`suspected`, `not_suspected` or `not_assessable`.")
    reasons: tuple[FindingFields, ...] = described(
        "Why it is not assessable, or how the verdict is marked."
    )
    cautions: tuple[FindingFields, ...] = described("What limits the numbers.")
    patient_message: str = described(
        "A sentence for the patient: the most important remedy, or thanks. Never the verdict."
    )


@dataclass(frozen=True, slots=True)
class PhaseFields:
    """A phase of the protocol. Amplitudes count from the primary position."""

    phase: str = described("What was asked for.")
    start_s: float = described("Its start.", unit="s")
    end_s: float = described("Its end.", unit="s")
    gaze_time_s: float = described(
        "Time in it that counts for the gaze.",
        unit="s",
        en="Time that counts for the gaze (s)",
        ko="시선 계산에 쓰인 시간(초)",
    )
    reached: float | None = described("Amplitude reached: the 95th percentile.", unit="eye widths")
    held: float | None = described(
        "Amplitude held: the median of the last half.", unit="eye widths"
    )
    held_offset: float | None = described(
        "Offset held, without a primary position; down and left are positive.", unit="eye widths"
    )
    latency_s: float | None = described("Time until half of the way was done.", unit="s")
    latency_reason: str | None = described("Why there is no latency.")


@dataclass(frozen=True, slots=True)
class QualityFields:
    """How well the recording could be measured."""

    face_coverage: float | None = described(
        "Share of the time with a face, 0-1.",
        en="Share of the time with the face in view (0-1)",
        ko="얼굴이 보인 시간의 비율(0-1)",
    )
    sampled_rate_hz: float | None = described(
        "Analysed frames a second.",
        unit="Hz",
        en="Analysed frames a second",
        ko="초당 분석된 프레임",
    )
    longest_gap_s: float | None = described(
        "Longest time between analysed frames.",
        unit="s",
        en="Longest time between analysed frames (s)",
        ko="분석된 프레임 사이의 가장 긴 시간(초)",
    )
    canthal_distance_px: float | None = described(
        "Width of an eye, from canthus to canthus.",
        unit="px",
        en="Width of an eye (pixels)",
        ko="눈의 너비(픽셀)",
    )
    iris_diameter_px: float | None = described(
        "Width of an iris.", unit="px", en="Width of an iris (pixels)", ko="홍채의 너비(픽셀)"
    )
    head_roll_deg: float | None = described(
        "Tilt of the head: median of the absolute values.",
        unit="deg",
        en="Tilt of the head (degrees)",
        ko="머리의 기울임(도)",
    )
    head_yaw_deg: float | None = described(
        "Turn of the head: median of the absolute values.",
        unit="deg",
        en="Turn of the head (degrees)",
        ko="머리의 좌우 회전(도)",
    )
    head_pitch_deg: float | None = described(
        "Pitch of the head relative to the camera; nose down is positive.",
        unit="deg",
        en="Nod of the head to the camera (degrees, down is +)",
        ko="카메라에 대한 머리의 끄덕임(도, 아래가 +)",
    )
    head_moved_share: float | None = described(
        "Share of the open-eyed time with the head out of place, 0-1.",
        en="Share of the open-eyed time with the head out of place (0-1)",
        ko="눈을 뜬 시간 중 머리가 제자리를 벗어난 비율(0-1)",
    )
    other_face_ratio: float = described(
        "Size of another face, times the share of time it is there, 0-1.",
        en="Size of another face (0-1)",
        ko="다른 얼굴의 크기(0-1)",
    )
    gap_share: float | None = described(
        "Share of the time between frames more than 2/9 s apart, 0-1.",
        en="Share of the time in gaps between frames (0-1)",
        ko="프레임 공백의 시간 비율(0-1)",
    )
    sharpness: float | None = described(
        "Sharpness of the eyes; sharp recordings have 0.2-1.2.",
        en="Sharpness of the eyes",
        ko="눈의 선명도",
    )
    contrast_over_noise: float | None = described(
        "Contrast of the eyes over the noise; good recordings have 9-60.",
        en="Contrast of the eyes over the noise",
        ko="잡음에 대한 눈의 명암비",
    )
    face_grey: float | None = described(
        "Mean grey level of the face, 0-255.",
        en="Mean grey level of the face (0-255)",
        ko="얼굴의 평균 밝기(0-255)",
    )
    clipped_share: float | None = described(
        "Share of the face that is plain black or white, 0-1.",
        en="Share of the face that is black or white (0-1)",
        ko="얼굴에서 완전히 희거나 검은 비율(0-1)",
    )
    bits_per_pixel: float | None = described(
        "Bits of an encoded frame for each of its pixels.",
        unit="bit",
        en="Bits of the video for a pixel and frame",
        ko="픽셀과 프레임당 영상의 비트",
    )
    bits_per_eye: float | None = described(
        "Bits of an encoded frame for a square as wide as an eye.",
        unit="bit",
        en="Bits of the video for an eye and frame",
        ko="눈과 프레임당 영상의 비트",
    )
    eye_disagreement: float | None = described(
        "Range of half the difference between the eyes' vertical offsets.",
        unit="eye widths",
        en="Range in which each eye goes its own way (eye widths)",
        ko="두 눈이 따로 움직인 범위(눈 너비)",
    )


@dataclass(frozen=True, slots=True)
class VideoFields:
    """The container's claims and what could be decoded."""

    width: int = described("Width, upright.", unit="px", en="Width (pixels)", ko="가로(픽셀)")
    height: int = described("Height, upright.", unit="px", en="Height (pixels)", ko="세로(픽셀)")
    fps: float | None = described(
        "Frames a second, as the container says.",
        unit="1/s",
        en="Frames a second, as the file says",
        ko="초당 프레임, 파일의 정보",
    )
    frame_count: int | None = described(
        "Frames, as the container says.",
        unit="frames",
        en="Frames, as the file says",
        ko="프레임 수, 파일의 정보",
    )
    frames_decoded: int = described(
        "Frames that were decoded.", unit="frames", en="Frames decoded", ko="해독된 프레임"
    )
    frames_failed: int = described(
        "Frames that are missing or damaged.",
        unit="frames",
        en="Frames damaged",
        ko="손상된 프레임",
    )
    time_source: str = described(
        "`stream`, `stream_repaired` or `frame_rate`.",
        en="Where the times come from",
        ko="시간 정보의 출처",
    )
    complete: bool = described(
        "True if the recording was read to its end.", en="Analysed to the end", ko="끝까지 분석함"
    )


@dataclass(frozen=True, slots=True)
class SamplingFields:
    """Which frames were analysed."""

    step: int = described(
        "The step asked for.",
        unit="frames",
        en="Every how many frames one was to be analysed",
        ko="분석하려던 프레임 간격",
    )
    effective_step: float | None = described(
        "Mean distance of analysed frames.",
        unit="frames",
        en="Every how many frames one was analysed, mean",
        ko="실제 분석된 프레임 간격, 평균",
    )
    effective_rate_hz: float | None = described(
        "Analysed frames a second, mean.",
        unit="Hz",
        en="Frames analysed a second, mean",
        ko="초당 분석된 프레임, 평균",
    )
    largest_step: int = described(
        "Largest step; it is raised where time is limited.",
        unit="frames",
        en="Largest step",
        ko="가장 큰 간격",
    )
    out_of_time: bool = described(
        "True if time ran out before the end.", en="Time ran out", ko="시간이 다 됨"
    )


@dataclass(frozen=True, slots=True)
class AskedFields:
    """A phase that was asked for."""

    phase: str = described("What was asked for.")
    start_s: float = described("Its start.", unit="s")
    end_s: float = described("Its end.", unit="s")


@dataclass(frozen=True, slots=True)
class ParameterFields:
    """The parameters used."""

    step: int = described(
        "Every how many frames one is analysed.",
        unit="frames",
        en="Parameter step",
        ko="매개변수 step",
    )
    vpp_thresh: float = described(
        "Vertical range below which PSP is suspected.",
        unit="eye widths",
        en="Parameter vpp_thresh (eye widths)",
        ko="매개변수 vpp_thresh(눈 너비)",
    )
    blink_thresh: float = described(
        "EAR that closes an eye of nominal openness (0.24).",
        en="Parameter blink_thresh (EAR)",
        ko="매개변수 blink_thresh(EAR)",
    )
    max_frames: int = described(
        "Most frames to analyse.",
        unit="frames",
        en="Parameter max_frames",
        ko="매개변수 max_frames",
    )
    blink_min_frames: int = described(
        "Shortest closure in frames at 30 frames a second.",
        unit="frames",
        en="Parameter blink_min_frames",
        ko="매개변수 blink_min_frames",
    )
    blink_baseline: str = described(
        "`adaptive`: scaled to the person; `fixed`: absolute.",
        en="Parameter blink_baseline",
        ko="매개변수 blink_baseline",
    )
    protocol: tuple[AskedFields, ...] = described("What the person was asked, and when.")


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of one recording, as in ``STEM.summary.json``. None: nothing to measure."""

    source: str = described("Name of the analysed file.", group="recording")
    video_sha256: str | None = described(
        "SHA-256 of the video's content; null where it was not read as one file.", group="recording"
    )
    frames_processed: int = described(
        "Analysed frames.",
        unit="frames",
        group="recording",
        en="Frames analysed",
        ko="분석된 프레임",
    )
    fps: float | None = described(
        "Frames a second of the source, as measured from its timestamps.",
        unit="1/s",
        group="recording",
        en="Frames a second, measured",
        ko="초당 프레임, 측정값",
    )
    duration_sec_est: float = described(
        "Length of the recording.", unit="s", group="recording", en="Length (s)", ko="길이(초)"
    )
    psp_suspected: bool = described("True only if the status is `suspected`.", group="assessment")
    psp_rule_reason: str = described("Why, in words.", group="assessment")
    assessment: AssessmentFields = described(
        "The answer, its reasons and what limits it.", group="assessment"
    )
    gaze_time_s: float = described(
        "Time with the eyes open and the head in place: what the gaze is measured from.",
        unit="s",
        group="gaze",
        en="Time that counts for the gaze (s)",
        ko="시선 계산에 쓰인 시간(초)",
    )
    vertical_peak_to_peak: float | None = described(
        "Vertical gaze range: 95th minus 5th percentile of the offset. The verdict rests on it.",
        unit="eye widths",
        group="gaze",
        en="Vertical range (eye widths)",
        ko="수직 범위(눈 너비)",
    )
    vertical_peak_to_peak_ci95: Interval = described(
        "Its 95 % interval: a block bootstrap, widened for few and correlated blocks and for "
        "how closely FaceMesh follows the gaze.",
        unit="eye widths",
        group="gaze",
        en="Its 95 % interval (eye widths)",
        ko="그 95 % 신뢰구간(눈 너비)",
    )
    vertical_noise_floor: float | None = described(
        "The range that the landmarks' jitter alone would give.",
        unit="eye widths",
        group="gaze",
        en="Range that the landmarks' jitter alone gives (eye widths)",
        ko="표식점의 떨림만으로 생기는 범위(눈 너비)",
    )
    vertical_peak_to_peak_any_time: float | None = described(
        "The vertical range also outside of the protocol's phases.",
        unit="eye widths",
        group="gaze",
        en="Vertical range, also outside of the phases (eye widths)",
        ko="단계 밖도 포함한 수직 범위(눈 너비)",
    )
    threshold_distance: float | None = described(
        "Vertical range minus `vpp_thresh`.",
        unit="eye widths",
        group="gaze",
        en="Range minus threshold (eye widths)",
        ko="범위에서 기준값을 뺀 값(눈 너비)",
    )
    threshold_distance_in_ci_half_widths: float | None = described(
        "The same in half widths of the interval: at 1 the interval ends at the threshold.",
        group="gaze",
        en="The same in halves of the interval",
        ko="같은 값, 신뢰구간 절반을 단위로",
    )
    threshold_distance_in_noise_floors: float | None = described(
        "The same in noise floors.",
        group="gaze",
        en="The same in noise floors",
        ko="같은 값, 잡음 수준을 단위로",
    )
    vertical_peak_to_peak_left: float | None = described(
        "Vertical range of the subject's left eye.",
        unit="eye widths",
        group="gaze",
        en="Vertical range, left eye (eye widths)",
        ko="왼쪽 눈의 수직 범위(눈 너비)",
    )
    vertical_peak_to_peak_right: float | None = described(
        "Vertical range of the subject's right eye.",
        unit="eye widths",
        group="gaze",
        en="Vertical range, right eye (eye widths)",
        ko="오른쪽 눈의 수직 범위(눈 너비)",
    )
    vertical_peak_to_peak_ahead: float | None = described(
        "Vertical range over the frames in which the eyes look aside by 0.1 eye widths or less.",
        unit="eye widths",
        group="gaze",
        en="Vertical range while looking ahead (eye widths)",
        ko="정면을 볼 때의 수직 범위(눈 너비)",
    )
    vertical_peak_to_peak_deg_est: float | None = described(
        "Vertical range as an angle: an estimate, and too small.",
        unit="deg",
        group="gaze",
        en="Vertical range, estimate, too small (degrees)",
        ko="수직 범위, 실제보다 작은 추정값(도)",
    )
    vertical_peak_to_peak_deg_range: Interval = described(
        "Bounds of the true vertical range as an angle.",
        unit="deg",
        group="gaze",
        en="Bounds of the true vertical range (degrees)",
        ko="실제 수직 범위의 하한과 상한(도)",
    )
    vertical_offset_std: float | None = described(
        "Standard deviation of the vertical offset.",
        unit="eye widths",
        group="gaze",
        en="Its standard deviation (eye widths)",
        ko="그 표준편차(눈 너비)",
    )
    vertical_offset_median: float | None = described(
        "Median of the vertical offset; down is positive.",
        unit="eye widths",
        group="gaze",
        en="Median vertical offset (eye widths)",
        ko="수직 위치의 중앙값(눈 너비)",
    )
    vertical_eye_correlation: float | None = described(
        "Correlation of the two eyes' vertical offsets, -1 to 1.",
        group="gaze",
        en="Correlation of both eyes' vertical offsets",
        ko="두 눈의 수직 위치의 상관계수",
    )
    primary_position: float | None = described(
        "Vertical offset when the eyes look straight ahead; down is positive.",
        unit="eye widths",
        group="gaze",
        en="Primary position (eye widths, down is +)",
        ko="일차 안위(눈 너비, 아래가 +)",
    )
    primary_position_source: str | None = described(
        "Where it was taken: `protocol` (its phases fixate and rest), `before_protocol`, or "
        "`assumed_first_second`.",
        group="gaze",
        en="Where the primary position is taken",
        ko="일차 안위를 잰 구간",
    )
    primary_position_reason: str | None = described(
        "Why there is no primary position.", group="gaze"
    )
    up_range: float | None = described(
        "How far the range reaches above the primary position.",
        unit="eye widths",
        group="gaze",
        en="Range above it (eye widths)",
        ko="그 위의 범위(눈 너비)",
    )
    down_range: float | None = described(
        "How far the range reaches below the primary position.",
        unit="eye widths",
        group="gaze",
        en="Range below it (eye widths)",
        ko="그 아래의 범위(눈 너비)",
    )
    horizontal_peak_to_peak: float | None = described(
        "Horizontal gaze range.",
        unit="eye widths",
        group="gaze",
        en="Horizontal range (eye widths)",
        ko="수평 범위(눈 너비)",
    )
    horizontal_peak_to_peak_deg_est: float | None = described(
        "Horizontal range as an angle: an estimate, and too small.",
        unit="deg",
        group="gaze",
        en="Horizontal range, estimate, too small (degrees)",
        ko="수평 범위, 실제보다 작은 추정값(도)",
    )
    vertical_to_horizontal_ratio: float | None = described(
        "Vertical over horizontal range.",
        group="gaze",
        en="Vertical over horizontal range",
        ko="수직 범위 / 수평 범위",
    )
    head_pitch_range_deg: float | None = described(
        "How far the head nodded.",
        unit="deg",
        group="gaze",
        en="Range of the head's nod (degrees)",
        ko="머리를 끄덕인 범위(도)",
    )
    nod_allowance: float | None = described(
        "The vertical range that this nod alone could make.",
        unit="eye widths",
        group="gaze",
        en="Range that this nod alone can make (eye widths)",
        ko="이 끄덕임만으로 생길 수 있는 범위(눈 너비)",
    )
    vertical_saccade_count: int | None = described(
        "Vertical saccades; only in recordings of at least 110 frames a second.",
        group="gaze",
        en="Vertical saccades",
        ko="수직 단속운동",
    )
    vertical_saccade_peak_velocity_per_s: float | None = described(
        "Peak velocity of the fastest vertical saccade.",
        unit="eye widths/s",
        group="gaze",
        en="Fastest saccade (eye widths a second)",
        ko="가장 빠른 단속운동(초당 눈 너비)",
    )
    vertical_saccade_peak_velocity_deg_per_s_est: float | None = described(
        "The same as an angle: an estimate.",
        unit="deg/s",
        group="gaze",
        en="Fastest saccade, estimate (degrees a second)",
        ko="가장 빠른 단속운동, 추정값(초당 도)",
    )
    vertical_saccade_velocity_to_amplitude_per_s: float | None = described(
        "Peak velocity over amplitude of the vertical saccades.",
        unit="1/s",
        group="gaze",
        en="Saccades' velocity over amplitude (1/s)",
        ko="단속운동의 속도 / 진폭(1/초)",
    )
    vertical_saccade_reason: str | None = described("Why no saccades were measured.", group="gaze")
    valid_time_s: float = described(
        "Time with a face.",
        unit="s",
        group="quality",
        en="Time with the face in view (s)",
        ko="얼굴이 보인 시간(초)",
    )
    blink_count: int = described(
        "Blinks; winks and prolonged closures are not among them.",
        group="blinks",
        en="Blinks",
        ko="눈 깜빡임",
    )
    incomplete_blink_count: int = described(
        "Blinks in which the lids did not close completely.",
        group="blinks",
        en="Incomplete blinks",
        ko="불완전한 눈 깜빡임",
    )
    prolonged_closure_count: int = described(
        "Closures of more than 0.5 s.", group="blinks", en="Prolonged closures", ko="긴 눈 감음"
    )
    wink_count: int = described(
        "One eye held shut for 0.3 s or longer.", group="blinks", en="Winks", ko="한쪽 눈 감음"
    )
    blink_rate_per_min: float | None = described(
        "Blinks a minute of the time with a face.",
        unit="1/min",
        group="blinks",
        en="Blinks a minute",
        ko="분당 눈 깜빡임",
    )
    blink_rate_per_min_ci95: Interval = described(
        "Its exact Poisson 95 % interval.",
        unit="1/min",
        group="blinks",
        en="Their 95 % interval",
        ko="그 95 % 신뢰구간",
    )
    blink_duration_median_s: float | None = described(
        "Median duration of blinks, onset to offset.",
        unit="s",
        group="blinks",
        en="Median duration of blinks (s)",
        ko="눈 깜빡임 지속 시간의 중앙값(초)",
    )
    inter_blink_interval_median_s: float | None = described(
        "Median time from blink onset to blink onset.",
        unit="s",
        group="blinks",
        en="Median time from blink to blink (s)",
        ko="눈 깜빡임 사이 시간의 중앙값(초)",
    )
    perclos: float | None = described(
        "Share of the time with the lids at least 80 % closed, 0-1.",
        group="blinks",
        en="Share of the time with the lids at least 80 % closed (PERCLOS, 0-1)",
        ko="눈꺼풀이 80 % 이상 감긴 시간의 비율(PERCLOS, 0-1)",
    )
    open_ear: float | None = described(
        "Eye aspect ratio of the person's open eyes.",
        group="blinks",
        en="EAR of the open eyes",
        ko="뜬 눈의 EAR",
    )
    framing_gain: float = described(
        "Factor by which the vertical offset was corrected for how the face was framed.",
        group="gaze",
        en="Factor that corrects the vertical offset",
        ko="수직 위치를 보정하는 계수",
    )
    task: str = described(
        "What the person was asked: `protocol`, or `assumed_up_then_down`.",
        group="recording",
        en="Task",
        ko="과제",
    )
    phases: tuple[PhaseFields, ...] = described(
        "What the eyes did in each phase of the protocol.", group="phases"
    )
    quality: QualityFields = described("How well the recording could be measured.", group="quality")
    video_meta: VideoFields = described(
        "What the container says, and what could be decoded.", group="video"
    )
    sampling: SamplingFields = described("Which frames were analysed.", group="sampling")
    partial: bool = described(
        "True if the recording's end was not analysed.",
        group="recording",
        en="Ended before the recording did",
        ko="녹화보다 먼저 끝남",
    )
    parameters: ParameterFields = described("The parameters used.", group="parameters")
    version: str = described("Version of the program.", group="recording")
    note: str = described("What the result may be used for.", group="recording")
    resume_key: str | None = described(
        "Seal by which `analyze` knows a finished recording; absent elsewhere.",
        group="recording",
        default=None,
    )

    def to_dict(self) -> dict[str, Any]:
        """Return the document, in the order of the fields; tuples are lists."""
        document: dict[str, Any] = _as_lists(asdict(self))
        if self.resume_key is None:
            del document["resume_key"]
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Summary":
        """Read a document.

        Fields that an earlier version did not have are None where that is allowed; fields that
        this version does not know are left out.

        Raises
        ------
        KeyError, TypeError
            A field is missing, or has a value of another type.
        """
        return _parse(cls, document)


def _as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_lists(one) for name, one in value.items()}
    return [_as_lists(one) for one in value] if isinstance(value, (list, tuple)) else value


def _parse(kind: type[T], document: Any) -> T:
    if not isinstance(document, Mapping):
        raise TypeError(f"expected an object, not {type(document).__name__}")
    values = {}
    for name, hint in get_type_hints(kind).items():
        if name not in document and not _is_nullable(hint):
            raise KeyError(name)
        values[name] = _parse_value(name, hint, document.get(name))
    return kind(**values)


def _parse_value(name: str, hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _parse(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        inner = get_args(hint)
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"{name}: expected a list")
        if inner[-1] is not Ellipsis and len(value) != len(inner):
            raise TypeError(f"{name}: expected {len(inner)} values")
        return tuple(_parse_value(name, inner[0], one) for one in value)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise TypeError(f"{name}: expected one of {get_args(hint)}")
        return value
    allowed = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    # JSON has one kind of number, but a flag is none.
    kinds = {float: (float, int), int: (int,), bool: (bool,), str: (str,), NoneType: (NoneType,)}
    if any(type(value) in kinds[one] for one in allowed):
        return value
    raise TypeError(f"{name}: {type(value).__name__} is not expected")


def _is_nullable(hint: Any) -> bool:
    return NoneType in get_args(hint)


def get_value(summary: Any, path: str) -> Any:
    """Return a field by its dotted path, such as ``quality.sharpness``."""
    for name in path.split("."):
        summary = getattr(summary, name)
    return summary


def describe_field(path: str) -> Mapping[str, str]:
    """Return meaning, unit, group and labels of a field of the summary by its dotted path."""
    kind: Any = Summary
    *parents, name = path.split(".")
    for parent in parents:
        kind = get_type_hints(kind)[parent]
    return next(one.metadata for one in fields(kind) if one.name == name)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
    kind : type
        str, int, float or bool. Every column can be empty.
    meaning, unit : str
    path : str
        Dotted path of the summary's field that it holds; empty where it holds none.
    end : {0, 1, None}
        Of an interval, its lower or upper end.
    """

    name: str
    kind: type
    meaning: str = ""
    unit: str = ""
    path: str = ""
    end: int | None = None


def summary_columns(kind: type, prefix: str = "", path: str = "") -> Iterator[Column]:
    """Return a column for each single value of a part of the summary, two for an interval.

    Parameters
    ----------
    kind : type
        A dataclass whose fields have the names of the summary's.
    prefix : str, optional
        Begins the columns' names.
    path : str, optional
        Dotted path of that part, ending in a dot.
    """
    for name, hint in get_type_hints(kind).items():
        told = describe_field(path + SUMMARY_NAMES.get(name, name))
        meaning, unit = told["meaning"], told["unit"]
        if get_origin(hint) is tuple:
            if Ellipsis in get_args(hint):
                continue  # no single value
            base = name.removesuffix("_ci95").removesuffix("_range")
            for end, word in enumerate(("low", "high")):
                yield Column(f"{prefix}{base}_{word}", float, meaning, unit, path + name, end)
        elif not is_dataclass(hint):
            kinds = [one for one in (hint, *get_args(hint)) if one in ARROW_TYPES]
            column_kind = kinds[0] if kinds else str
            yield Column(prefix + name, column_kind, meaning, unit, path + name)


SUMMARY_NAMES = {"duration_s": "duration_sec_est"}
"""What the summary calls measures that the app knows by another name."""

ARROW_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool"}
"""As pyarrow names them."""


def make_arrow_schema(columns: tuple[Column, ...]) -> Any:
    """Return the pyarrow schema of a table: types, and each column's unit and meaning."""
    # Imported by what writes a Parquet file alone: it takes a tenth of a second.
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                ARROW_TYPES[column.kind],
                metadata={"unit": column.unit, "meaning": column.meaning},
            )
            for column in columns
        ]
    )


def _cohort_columns() -> Iterator[Column]:
    yield Column("recording", str, "Where its files are, from the table's folder, without suffix.")
    yield Column("file", str, "The video's name, with the folders below the one searched.")
    yield Column("status", str, "The assessment's status, or `failed`.", path="assessment.status")
    yield Column("reasons", str, "Codes of the assessment's reasons, separated by spaces.")
    yield Column("cautions", str, "Codes of its cautions, separated by spaces.")
    yield Column("outliers", str, "Columns in which the recording is unlike the others.")
    yield Column("explanation", str, "Why, in words.", path="psp_rule_reason")
    yield Column("failure_code", str, "Of a failed recording: what went wrong, for programs.")
    yield Column("failure_message", str, "The same for people, with the remedy.")
    elsewhere = {"source", "psp_rule_reason", "video_sha256", "version", "note", "resume_key"}
    single = {column.name: column for column in summary_columns(Summary)}
    ends = [single.pop("video_sha256"), single.pop("version")]
    yield single.pop("psp_suspected")
    yield from (column for name, column in single.items() if name not in elsewhere)
    yield from summary_columns(QualityFields, "quality_", "quality.")
    yield from summary_columns(VideoFields, "video_", "video_meta.")
    yield from summary_columns(SamplingFields, "sampling_", "sampling.")
    yield from summary_columns(ParameterFields, "parameter_", "parameters.")
    yield from ends
    for kind in ("summary", "frames", "blinks", "track", "overlay", "report"):
        yield Column(f"{kind}_file", str, f"The {kind} file, from the table's folder.")


COHORT_COLUMNS = tuple(_cohort_columns())
"""Of ``cohort.csv`` and ``cohort.parquet``; the same whatever the recordings and options."""

_W = "eye widths"
FRAME_COLUMNS = (
    Column("frame_idx", int, "Index in the source video, from 0."),
    Column("time_sec", float, "Time from the first frame, by the video's own timestamps.", "s"),
    Column("L_iris_cx", float, "Centre of the left iris, from the picture's left.", "px"),
    Column("L_iris_cy", float, "Centre of the left iris, from the picture's top.", "px"),
    Column("L_eye_open", float, "Eye aspect ratio (EAR) of the left eye."),
    Column("L_v_offset", float, "Vertical gaze offset of the left eye; down is positive.", _W),
    Column("R_iris_cx", float, "Centre of the right iris, from the picture's left.", "px"),
    Column("R_iris_cy", float, "Centre of the right iris, from the picture's top.", "px"),
    Column("R_eye_open", float, "Eye aspect ratio (EAR) of the right eye."),
    Column("R_v_offset", float, "Vertical gaze offset of the right eye; down is positive.", _W),
    Column("eye_open", float, "EAR, mean of both eyes."),
    Column("v_offset", float, "Vertical gaze offset, mean of both eyes; down is positive.", _W),
    Column("h_offset", float, "Horizontal gaze offset; the subject's left is positive.", _W),
    Column("L_h_offset", float, "Horizontal gaze offset of the left eye.", _W),
    Column("R_h_offset", float, "Horizontal gaze offset of the right eye.", _W),
    Column("eye_open_baseline", float, "EAR of the open eyes around this moment."),
    Column("event", str, "`blink`, `prolonged_closure`, `wink_left`, `wink_right`, or empty."),
    Column("gaze_valid", bool, "Whether the frame counts for the gaze."),
    Column("L_iris_diameter_px", float, "Width of the left iris.", "px"),
    Column("R_iris_diameter_px", float, "Width of the right iris.", "px"),
    Column("L_palpebral_fissure_px", float, "Height of the left lid opening.", "px"),
    Column("R_palpebral_fissure_px", float, "Height of the right lid opening.", "px"),
    Column("L_canthal_distance_px", float, "Width of the left eye, canthus to canthus.", "px"),
    Column("R_canthal_distance_px", float, "Width of the right eye, canthus to canthus.", "px"),
    Column("head_roll_deg", float, "Tilt of the head; clockwise is positive.", "deg"),
    Column("head_yaw_deg", float, "Turn of the head.", "deg"),
    Column("head_pitch_deg", float, "Pitch of the head; nose down is positive.", "deg"),
)
"""Of ``STEM.frames.csv``: a row for each analysed frame."""

BLINK_COLUMNS = (
    Column("kind", str, "`blink` or `prolonged_closure`."),
    Column("onset_s", float, "When the lids began to close.", "s"),
    Column("peak_s", float, "When they were closed the most.", "s"),
    Column("offset_s", float, "When they were open again.", "s"),
    Column("onset_frame", int, "The same as indices of the source video."),
    Column("peak_frame", int, "The frame in which the lids were closed the most."),
    Column("offset_frame", int, "The first frame after it."),
    Column("duration_s", float, "Onset to offset.", "s"),
    Column("closing_s", float, "Onset to peak.", "s"),
    Column("opening_s", float, "Peak to offset.", "s"),
    Column("closed_s", float, "Time below the closing threshold: decides between the kinds.", "s"),
    Column("amplitude", float, "How far the lids closed: 0 = not at all, 1 = no opening left."),
    Column("complete", bool, "Whether they closed completely."),
    Column("L_amplitude", float, "Amplitude of the left eye."),
    Column("R_amplitude", float, "Amplitude of the right eye."),
    Column("L_complete", bool, "Whether the left eye closed completely."),
    Column("R_complete", bool, "Whether the right eye closed completely."),
    Column("onset_seen", bool, "False where the face or frames are missing at the onset."),
    Column("offset_seen", bool, "False where the face or frames are missing at the offset."),
)
"""Of ``STEM.blinks.csv``: a row for each blink and prolonged closure."""
