"""The definition of every field of the summary: name, type, unit, group, meaning and labels.

`Summary` declares all fields, in the order of the JSON document. That document, its schema, the
tables of cohorts and sweeps, the report's table of numbers and `docs/outputs.md` are made from its
annotations (`tracker.files.documents`, `tracker.files.columns`). This module imports nothing of
this project and nothing that is slow to load.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args

Status = Literal["suspected", "borderline", "not_suspected", "not_assessable"]
STATUSES: tuple[Status, ...] = get_args(Status)
BasisName = Literal["vertical_peak_to_peak", "down_range"]


@dataclass(frozen=True, slots=True)
class Field:
    """The description of a field of the summary, besides its name and type.

    Attributes
    ----------
    group : str
        Key of the heading under which the data dictionary and the report list it, such as "gaze".
    unit : str
        Empty for text, flags and pure numbers. An "eye width" is the distance between the corners
        of an eye.
    meaning : str
        One line for the data dictionary.
    en, ko : str
        Label in the report, in English and Korean.
    values : mapping of str to (str, str)
        English and Korean name of each value that a text field can have, for reports; empty if they
        do not show it.
    """

    group: str
    unit: str
    meaning: str
    en: str
    ko: str
    values: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def label(self, language: str) -> str:
        """Return the label in a language, ``"en"`` or ``"ko"``."""
        return self.ko if language == "ko" else self.en

    def name_value(self, value: str, language: str) -> str:
        """Return the name of a value in a language, "en" or "ko".

        `KeyError` if `value` is no key of `values`.
        """
        return self.values[value][language == "ko"]


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the names of a nested record's columns begin with, in tables of cohorts and sweeps.

    `text` is such as "quality_", for the fields of `Summary.quality`.
    """

    text: str


class Interval(NamedTuple):
    """Both ends of an interval, such as a confidence interval; an end that is not known is None."""

    low: float | None
    high: float | None


# Each field takes three lines: group and unit, meaning, labels. The formatter would make eight.
# fmt: off

@dataclass(frozen=True, slots=True)
class FindingFields:
    """Something that limits the result: a code for programs, and a sentence for people."""

    code: Annotated[str, Field("assessment", "",
        "Machine-readable name of the finding.",
        "Code", "코드")]
    message: Annotated[str, Field("assessment", "",
        "What was found and what to do about it, in English.",
        "Message", "설명")]


@dataclass(frozen=True, slots=True)
class AssessmentFields:
    """The screening answer, the range that it rests on, and what limits it."""

    status: Annotated[Status, Field("assessment", "",
        "The answer.",
        "Assessment", "평가")]
    basis: Annotated[BasisName, Field("assessment", "",
        "The field that the answer rests on, or would rest on.",
        "Rests on", "판정의 근거가 되는 값",
        {
            "vertical_peak_to_peak": ("the vertical range", "수직 범위"),
            "down_range": ("the range down", "아래쪽 범위"),
        })]
    basis_limit: Annotated[float, Field("assessment", "eye widths",
        "Limit of that field: `vpp_thresh`, or half of it for `down_range`.",
        "Limit of that value (eye widths)", "그 값의 기준값(눈 너비)")]
    reasons: Annotated[tuple[FindingFields, ...], Field("assessment", "",
        "What makes the recording not assessable or borderline.",
        "Reasons", "이유")]
    cautions: Annotated[tuple[FindingFields, ...], Field("assessment", "",
        "What limits the numbers without standing against an answer.",
        "Cautions", "주의 사항")]
    patient_message: Annotated[str, Field("assessment", "",
        "For the patient: the most important remedy, or that it is done. Never the verdict.",
        "Message to the patient", "환자에게 전하는 말")]


@dataclass(frozen=True, slots=True)
class PhaseFields:
    """What the eyes did in one phase of the protocol."""

    phase: Annotated[Literal["up", "down", "left", "right", "fixate", "rest"], Field("phases", "",
        "What the person was asked to do.",
        "Asked for", "지시")]
    start_s: Annotated[float, Field("phases", "s",
        "Start of the phase, from the first frame.",
        "Start (s)", "시작(초)")]
    end_s: Annotated[float, Field("phases", "s",
        "End of the phase, from the first frame.",
        "End (s)", "끝(초)")]
    gaze_time_s: Annotated[float, Field("phases", "s",
        "Time in the phase that counts for the gaze.",
        "Gaze seen (s)", "시선이 보인 시간(초)")]
    reached: Annotated[float | None, Field("phases", "eye widths",
        "95th percentile of the displacement from the primary position in the asked direction.",
        "Reached (eye widths)", "도달 범위(눈 너비)")]
    held: Annotated[float | None, Field("phases", "eye widths",
        "Median displacement over the last half of the phase.",
        "Held (eye widths)", "유지 범위(눈 너비)")]
    held_offset: Annotated[float | None, Field("phases", "eye widths",
        "Median offset over the last half of the phase; down and left are positive.",
        "Held offset (eye widths)", "유지한 위치(눈 너비)")]
    latency_s: Annotated[float | None, Field("phases", "s",
        "Time from the start of the phase until the gaze is halfway to the reached position.",
        "Latency (s)", "잠복기(초)")]
    latency_reason: Annotated[
        Literal["unseen_before", "unmoved", "hidden", "no_direction", "not_followed"] | None,
        Field("phases", "",
        "Why there is no latency.",
        "Why there is no latency", "잠복기가 없는 이유")]


@dataclass(frozen=True, slots=True)
class QualityFields:
    """How well the recording could be measured."""

    face_coverage: Annotated[float | None, Field("quality", "0-1",
        "Share of the time with a face.",
        "Share of the time with the face in view (0-1)", "얼굴이 보인 시간의 비율(0-1)")]
    sampled_rate_hz: Annotated[float | None, Field("quality", "Hz",
        "Analysed frames a second, from the median interval.",
        "Analysed frames a second", "초당 분석된 프레임")]
    longest_gap_s: Annotated[float | None, Field("quality", "s",
        "Longest time between two analysed frames.",
        "Longest time between analysed frames (s)", "분석된 프레임 사이의 가장 긴 시간(초)")]
    canthal_distance_px: Annotated[float | None, Field("quality", "px",
        "Width of an eye, from canthus to canthus: median of both eyes.",
        "Width of an eye (pixels)", "눈의 너비(픽셀)")]
    iris_diameter_px: Annotated[float | None, Field("quality", "px",
        "Width of an iris: median of both eyes.",
        "Width of an iris (pixels)", "홍채의 너비(픽셀)")]
    head_roll_deg: Annotated[float | None, Field("quality", "deg",
        "Tilt of the head to a side: median of the absolute values.",
        "Tilt of the head (degrees)", "머리의 기울임(도)")]
    head_yaw_deg: Annotated[float | None, Field("quality", "deg",
        "Turn of the head: median of the absolute values.",
        "Turn of the head (degrees)", "머리의 좌우 회전(도)")]
    head_pitch_deg: Annotated[float | None, Field("quality", "deg",
        "Nod of the head, relative to the camera: median. Nose down is positive.",
        "Nod of the head to the camera (degrees, down is +)",
        "카메라에 대한 머리의 끄덕임(도, 아래가 +)")]
    head_yaw_spread_deg: Annotated[float | None, Field("quality", "deg",
        "Turn of the head from its median: 95th percentile.",
        "Turn of the head from its median, 95 % of the time (degrees)",
        "중앙값에서 벗어난 머리의 좌우 회전, 시간의 95%(도)")]
    head_pitch_spread_deg: Annotated[float | None, Field("quality", "deg",
        "Nod of the head from its median: 95th percentile.",
        "Nod of the head from its median, 95 % of the time (degrees)",
        "중앙값에서 벗어난 머리의 끄덕임, 시간의 95%(도)")]
    head_moved_share: Annotated[float | None, Field("quality", "0-1",
        "Share of the open-eyed frames left out because the head was turned or nodded.",
        "Share of the open-eyed time with the head out of place (0-1)",
        "눈을 뜬 시간 중 머리가 제자리를 벗어난 비율(0-1)")]
    gaze_share: Annotated[float | None, Field("quality", "0-1",
        "Share of the recording's time that counts for the gaze.",
        "Share of the time that counts for the gaze (0-1)", "시선 계산에 쓰인 시간의 비율(0-1)")]
    other_face_ratio: Annotated[float | None, Field("quality", "0-1",
        "Area of the second largest face divided by the analysed face's, both summed over time.",
        "Size of another face (0-1)", "다른 얼굴의 크기(0-1)")]
    gap_share: Annotated[float | None, Field("quality", "0-1",
        "Share of the time in gaps: intervals between frames longer than 2/9 s.",
        "Share of the time in gaps between frames (0-1)", "프레임 공백의 시간 비율(0-1)")]
    sharpness: Annotated[float | None, Field("quality", "",
        "Edges over contrast around the eyes; sharp recordings have 0.2 to 1.2.",
        "Sharpness of the eyes", "눈의 선명도")]
    contrast_over_noise: Annotated[float | None, Field("quality", "",
        "Contrast of the eyes over the picture's noise; sharp recordings have 9 to 60.",
        "Contrast of the eyes over the noise", "잡음에 대한 눈의 명암비")]
    face_grey: Annotated[float | None, Field("quality", "0-255",
        "Mean grey level of the face.",
        "Mean grey level of the face (0-255)", "얼굴의 평균 밝기(0-255)")]
    clipped_share: Annotated[float | None, Field("quality", "0-1",
        "Share of the face that is plain black or white.",
        "Share of the face that is black or white (0-1)", "얼굴에서 완전히 희거나 검은 비율(0-1)")]
    bits_per_pixel: Annotated[float | None, Field("quality", "bit",
        "Encoded bits for each pixel of a frame, without sound.",
        "Bits of the video for a pixel and frame", "픽셀과 프레임당 영상의 비트")]
    bits_per_eye: Annotated[float | None, Field("quality", "bit",
        "Encoded bits of a frame for a square as wide as an eye.",
        "Bits of the video for an eye and frame", "눈과 프레임당 영상의 비트")]
    eye_disagreement: Annotated[float | None, Field("quality", "eye widths",
        "P95 minus P5 of half the difference of the eyes' vertical offsets, looking ahead.",
        "Range in which each eye goes its own way (eye widths)",
        "두 눈이 따로 움직인 범위(눈 너비)")]
    picture_gaze_range: Annotated[float | None, Field("quality", "eye widths",
        "Vertical range of the irises in the pictures, found coarsely and without landmarks.",
        "Vertical range of the irises in the pictures (eye widths)",
        "영상 속 홍채의 수직 범위(눈 너비)")]


@dataclass(frozen=True, slots=True)
class VideoFields:
    """What the file declares, and what was decoded from it."""

    width: Annotated[int, Field("video", "px",
        "Width of the upright picture.",
        "Width (pixels)", "가로(픽셀)")]
    height: Annotated[int, Field("video", "px",
        "Height of the upright picture.",
        "Height (pixels)", "세로(픽셀)")]
    fps: Annotated[float | None, Field("video", "Hz",
        "Frames a second that the file declares.",
        "Frames a second, as the file says", "초당 프레임, 파일에 기록된 값")]
    frame_count: Annotated[int | None, Field("video", "frames",
        "Number of frames that the file declares.",
        "Frames, as the file says", "프레임 수, 파일에 기록된 값")]
    recorded_at: Annotated[str | None, Field("video", "",
        "When it was recorded, as the file says: ISO 8601 with the offset from UTC.",
        "Recorded, as the file says", "촬영 일시, 파일에 기록된 시각")]
    frames_decoded: Annotated[int, Field("video", "frames",
        "Frames that were decoded.",
        "Frames decoded", "디코딩된 프레임")]
    frames_failed: Annotated[int, Field("video", "frames",
        "Frames that were missing or damaged.",
        "Frames damaged", "손상된 프레임")]
    recordings: Annotated[int, Field("video", "",
        "Videos in the file, of which one was analysed.",
        "Videos in the file", "파일에 든 영상 수")]
    mirrored: Annotated[bool, Field("video", "",
        "Whether the file shows a mirror image. It was mirrored back: left is the subject's left.",
        "Shown mirrored", "거울처럼 뒤집어 표시함")]
    time_source: Annotated[
        Literal["stream", "stream_repaired", "frame_rate"],
        Field("video", "",
        "Where the times of the frames come from.",
        "Where the times come from", "시간 정보의 출처",
        {
            "stream": ("the video's own timestamps", "영상 자체의 시간 정보"),
            "stream_repaired": (
                "the video's own timestamps, some mended", "영상 자체의 시간 정보, 일부 바로잡음"),
            "frame_rate": ("the frame rate", "프레임 속도"),
        })]
    complete: Annotated[bool, Field("video", "",
        "Whether the video was decoded to its end.",
        "Analysed to the end", "끝까지 분석함")]


@dataclass(frozen=True, slots=True)
class ParticipantFields:
    """Who was recorded and when, as the user says on their own machine. The API writes none."""

    participant_id: Annotated[str, Field("recording", "",
        "The study's code of the person: `--participant`, or of `participants.tsv`. Else left out.",
        "Participant", "참가자 코드")]
    visit: Annotated[str | None, Field("recording", "",
        "The visit, from `participants.tsv`.",
        "Visit", "방문")]
    date: Annotated[str | None, Field("recording", "",
        "Date of the recording, YYYY-MM-DD, from `participants.tsv`.",
        "Date", "날짜")]


@dataclass(frozen=True, slots=True)
class SamplingFields:
    """Which of the video's frames were analysed."""

    step: Annotated[int, Field("sampling", "frames",
        "Requested step: 1 analyses every frame, 2 every second frame.",
        "Every how many frames one was to be analysed", "분석하려던 프레임 간격")]
    effective_step: Annotated[float | None, Field("sampling", "frames",
        "Mean step: source frames for each analysed frame.",
        "Every how many frames one was analysed, mean", "실제 분석된 프레임 간격, 평균")]
    effective_rate_hz: Annotated[float | None, Field("sampling", "Hz",
        "Analysed frames a second, mean over the recording.",
        "Frames analysed a second, mean", "초당 분석된 프레임, 평균")]
    largest_step: Annotated[int, Field("sampling", "frames",
        "Largest step, raised because time was short; equal to `step` if it was never raised.",
        "Largest step", "가장 큰 간격")]
    capture_fps: Annotated[float | None, Field("sampling", "Hz",
        "Frames a second when they were captured, if the file tells it.",
        "Frames a second when captured, as the file says", "초당 촬영된 프레임, 파일에 기록된 값")]
    slowed_down: Annotated[float, Field("sampling", "",
        "How many times slower than reality the file is played; all times are real ones.",
        "Slow motion: times slower than reality", "슬로 모션: 실제보다 느린 배수")]
    out_of_time: Annotated[bool, Field("sampling", "",
        "Whether time ran out before the recording ended.",
        "Time ran out", "시간 초과")]


@dataclass(frozen=True, slots=True)
class AskedFields:
    """One instruction of the protocol, and its time."""

    phase: Annotated[
        Literal["up", "down", "left", "right", "fixate", "rest"],
        Field("parameters", "",
        "What the person was asked to do.",
        "Asked for", "지시")]
    start_s: Annotated[float, Field("parameters", "s",
        "Start of the phase, from the first frame.",
        "Start (s)", "시작(초)")]
    end_s: Annotated[float, Field("parameters", "s",
        "End of the phase, from the first frame.",
        "End (s)", "끝(초)")]


@dataclass(frozen=True, slots=True)
class ParameterFields:
    """The thresholds, the task and the protocol with which the recording was analysed."""

    step: Annotated[int, Field("parameters", "frames",
        "Analyse every `step`-th frame.",
        "Parameter step", "매개변수 step")]
    vpp_thresh: Annotated[float, Field("parameters", "eye widths",
        "A vertical range below this supports the suspicion.",
        "Parameter vpp_thresh (eye widths)", "매개변수 vpp_thresh(눈 너비)")]
    blink_thresh: Annotated[float, Field("parameters", "EAR",
        "EAR that closes an eye of nominal openness.",
        "Parameter blink_thresh (EAR)", "매개변수 blink_thresh(EAR)")]
    max_frames: Annotated[int, Field("parameters", "frames",
        "Most frames to analyse; the default does not cut a recording of known length.",
        "Parameter max_frames", "매개변수 max_frames")]
    blink_min_frames: Annotated[int, Field("parameters", "frames",
        "Shortest closure, in frames at 30 frames a second.",
        "Parameter blink_min_frames", "매개변수 blink_min_frames")]
    blink_baseline: Annotated[Literal["adaptive", "fixed"], Field("parameters", "",
        "Whether `blink_thresh` is scaled to the person's open eyes (adaptive) or not (fixed).",
        "Parameter blink_baseline", "매개변수 blink_baseline",
        {
            "adaptive": (
                "adaptive: scaled to the person's open eyes", "adaptive: 대상자의 뜬 눈에 맞춤"),
            "fixed": ("fixed", "fixed: 고정"),
        })]
    protocol: Annotated[tuple[AskedFields, ...], Field("parameters", "",
        "What the person was asked to do, and when. Empty if no protocol was given.",
        "Parameter protocol", "매개변수 protocol")]
    task: Annotated[Literal["up_down", "extended", "unknown"], Field("parameters", "",
        "What the person was asked to do. A protocol says more, and goes first.",
        "Parameter task", "매개변수 task",
        {
            "up_down": ("up_down: to look up and down", "up_down: 위아래를 보기"),
            "extended": ("extended: the longer task", "extended: 긴 과제"),
            "unknown": ("unknown", "unknown: 알 수 없음"),
        })]
    task_assumed: Annotated[bool, Field("parameters", "",
        "Whether nobody gave that task, and it is an assumption.",
        "Parameter task_assumed", "매개변수 task_assumed")]


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of one recording: the content of `STEM.summary.json`."""

    source: Annotated[str, Field("recording", "",
        "Name of the file that was analysed.",
        "File", "파일")]
    video_sha256: Annotated[str | None, Field("recording", "",
        "SHA-256 of the video; null if it was not computed.",
        "SHA-256 of the video", "영상의 SHA-256")]
    frames_processed: Annotated[int, Field("recording", "frames",
        "Frames that were analysed.",
        "Frames analysed", "분석된 프레임")]
    fps: Annotated[float | None, Field("recording", "Hz",
        "Frames a second of the video, as measured from its timestamps.",
        "Frames a second, measured", "초당 프레임, 측정값")]
    duration_sec_est: Annotated[float, Field("recording", "s",
        "Length of the analysed recording.",
        "Length (s)", "길이(초)")]
    psp_suspected: Annotated[bool, Field("assessment", "",
        "True only if the status is `suspected`; false for `borderline`.",
        "PSP suspected", "PSP 의심")]
    psp_rule_reason: Annotated[str, Field("assessment", "",
        "Why the answer is what it is, in English.",
        "Explanation", "판정 근거")]
    assessment: AssessmentFields
    gaze_time_s: Annotated[float | None, Field("gaze", "s",
        "Time that counts for the gaze: a face, eyes open, head in place.",
        "Time that counts for the gaze (s)", "시선 계산에 쓰인 시간(초)")]
    vertical_peak_to_peak: Annotated[float | None, Field("gaze", "eye widths",
        "P95 minus P5 of the vertical gaze offset.",
        "Vertical range (eye widths)", "수직 범위(눈 너비)")]
    vertical_peak_to_peak_ci95: Annotated[Interval, Field("gaze", "eye widths",
        "95 % interval of the vertical range: bootstrap, few looks, uncertain gain, noise.",
        "Its 95 % interval (eye widths)", "그 95% 신뢰구간(눈 너비)")]
    vertical_noise_floor: Annotated[float | None, Field("gaze", "eye widths",
        "Range that the landmarks' jitter alone gives.",
        "Range that the landmarks' jitter alone gives (eye widths)",
        "표식점의 떨림만으로 생기는 범위(눈 너비)")]
    vertical_peak_to_peak_any_time: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range within the protocol's phases and outside of them.",
        "Vertical range, also outside of the phases (eye widths)",
        "단계 밖도 포함한 수직 범위(눈 너비)")]
    threshold_distance: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range minus `vpp_thresh`.",
        "Range minus threshold (eye widths)", "범위에서 기준값을 뺀 값(눈 너비)")]
    threshold_distance_in_ci_half_widths: Annotated[float | None, Field("gaze", "",
        "The same in half widths of the 95 % interval. At 1, its end is at the threshold.",
        "The same in halves of the interval", "같은 값, 신뢰구간 절반을 단위로")]
    threshold_distance_in_noise_floors: Annotated[float | None, Field("gaze", "",
        "The same, divided by the noise floor.",
        "The same in noise floors", "같은 값, 잡음 수준을 단위로")]
    vertical_peak_to_peak_left: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range of the subject's left eye.",
        "Vertical range, left eye (eye widths)", "왼쪽 눈의 수직 범위(눈 너비)")]
    vertical_peak_to_peak_right: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range of the subject's right eye.",
        "Vertical range, right eye (eye widths)", "오른쪽 눈의 수직 범위(눈 너비)")]
    vertical_peak_to_peak_ahead: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range over the frames in which the eyes do not look aside (by 0.1 or less).",
        "Vertical range while looking ahead (eye widths)", "정면을 볼 때의 수직 범위(눈 너비)")]
    vertical_peak_to_peak_beyond_horizontal: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range that horizontal gaze does not explain.",
        "Vertical range beyond what looking aside makes (eye widths)",
        "옆을 보는 것으로 설명되지 않는 수직 범위(눈 너비)")]
    vertical_peak_to_peak_deg_est: Annotated[float | None, Field("gaze", "deg",
        "Estimate of the vertical range; too small, because FaceMesh follows only a part of it.",
        "Vertical range, estimate, too small (degrees)", "수직 범위, 실제보다 작은 추정값(도)")]
    vertical_peak_to_peak_deg_range: Annotated[Interval, Field("gaze", "deg",
        "Bounds of the true vertical range.",
        "Bounds of the true vertical range (degrees)", "실제 수직 범위의 하한과 상한(도)")]
    vertical_offset_std: Annotated[float | None, Field("gaze", "eye widths",
        "Standard deviation of the vertical offset.",
        "Its standard deviation (eye widths)", "그 표준편차(눈 너비)")]
    vertical_offset_median: Annotated[float | None, Field("gaze", "eye widths",
        "Median of the vertical offset; down is positive.",
        "Median vertical offset (eye widths)", "수직 위치의 중앙값(눈 너비)")]
    vertical_eye_correlation: Annotated[float | None, Field("gaze", "",
        "Pearson correlation of the two eyes' vertical offsets, -1 to 1.",
        "Correlation of both eyes' vertical offsets", "두 눈의 수직 위치의 상관계수")]
    primary_position: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical offset of the eyes that look straight ahead; down is positive.",
        "Primary position (eye widths, down is +)", "일차 안위(눈 너비, 아래가 +)")]
    primary_position_source: Annotated[
        Literal["corrected", "protocol", "before_protocol", "assumed_first_second"] | None,
        Field("gaze", "",
        "Where the primary position is taken.",
        "Where the primary position is taken", "일차 안위를 잰 구간",
        {
            "corrected": ("a stretch that a person chose", "사람이 정한 구간"),
            "protocol": ("the phases at the camera and at rest", "카메라 주시와 휴식 단계"),
            "before_protocol": ("what comes before the first phase", "첫 단계 이전"),
            "assumed_first_second": ("the first second: an assumption", "처음 1초(가정)"),
        })]
    primary_position_reason: Annotated[str | None, Field("gaze", "",
        "Why there is no primary position, in English.",
        "Why there is no primary position", "일차 안위가 없는 이유")]
    up_range: Annotated[float | None, Field("gaze", "eye widths",
        "5th percentile above the primary position; up is positive.",
        "Range above it (eye widths)", "그 위의 범위(눈 너비)")]
    up_range_ci95: Annotated[Interval, Field("gaze", "eye widths",
        "95 % interval of the range up.",
        "Its 95 % interval (eye widths)", "그 95% 신뢰구간(눈 너비)")]
    down_range: Annotated[float | None, Field("gaze", "eye widths",
        "95th percentile below the primary position, down positive: what the landmarks show, "
        "a part of what the eyes do.",
        "Range below it (eye widths)", "그 아래의 범위(눈 너비)")]
    down_range_ci95: Annotated[Interval, Field("gaze", "eye widths",
        "95 % interval of the range down.",
        "Its 95 % interval (eye widths)", "그 95% 신뢰구간(눈 너비)")]
    down_range_is_lower_bound: Annotated[bool, Field("gaze", "",
        "Whether lowered lids hid the irises: the eyes then looked down by `down_range` or more.",
        "Lids hid the eyes looking down: at least that range",
        "아래를 볼 때 눈꺼풀이 눈을 가림: 최소한 그 범위")]
    upper_lid_range: Annotated[float | None, Field("gaze", "eye widths",
        "P95 minus P5 of the height of the upper lids' edge, which follows the gaze and is seen "
        "in down-gaze too.",
        "Range of the upper lids (eye widths)", "윗눈꺼풀의 범위(눈 너비)")]
    horizontal_peak_to_peak: Annotated[float | None, Field("gaze", "eye widths",
        "P95 minus P5 of the horizontal gaze offset.",
        "Horizontal range (eye widths)", "수평 범위(눈 너비)")]
    horizontal_peak_to_peak_deg_est: Annotated[float | None, Field("gaze", "deg",
        "Estimate of the horizontal range; too small.",
        "Horizontal range, estimate, too small (degrees)", "수평 범위, 실제보다 작은 추정값(도)")]
    vertical_to_horizontal_ratio: Annotated[float | None, Field("gaze", "",
        "Vertical range over horizontal range; null if the latter is within its noise.",
        "Vertical over horizontal range", "수직 범위 / 수평 범위")]
    head_pitch_range_deg: Annotated[float | None, Field("gaze", "deg",
        "Range of the head's nod over the same frames.",
        "Range of the head's nod (degrees)", "머리를 끄덕인 범위(도)")]
    nod_allowance: Annotated[float | None, Field("gaze", "eye widths",
        "Vertical range that eyes at rest would show in a head that nods this far.",
        "Range that this nod alone can make (eye widths)",
        "이 끄덕임만으로 생길 수 있는 범위(눈 너비)")]
    vertical_saccade_count: Annotated[int | None, Field("saccades", "events",
        "Vertical steps of the gaze that could be fitted; null where none can be measured.",
        "Vertical saccades measured", "측정된 수직 단속운동")]
    horizontal_saccade_count: Annotated[int | None, Field("saccades", "events",
        "The same of horizontal steps.",
        "Horizontal saccades measured", "측정된 수평 단속운동")]
    vertical_saccade_time_ms: Annotated[float | None, Field("saccades", "ms",
        "Time from 10 to 90 % of a vertical saccade: typical value over six or more.",
        "Vertical saccades, 10-90 % time (ms)", "수직 단속운동의 10-90% 시간(ms)")]
    vertical_saccade_time_ms_ci95: Annotated[Interval, Field("saccades", "ms",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    vertical_saccade_time_ms_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    vertical_saccade_time_ms_left: Annotated[float | None, Field("saccades", "ms",
        "The same of the subject's left eye.",
        "The same, left eye (ms)", "같은 값, 왼쪽 눈(ms)")]
    vertical_saccade_time_ms_left_ci95: Annotated[Interval, Field("saccades", "ms",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    vertical_saccade_time_ms_left_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    vertical_saccade_time_ms_right: Annotated[float | None, Field("saccades", "ms",
        "The same of the subject's right eye.",
        "The same, right eye (ms)", "같은 값, 오른쪽 눈(ms)")]
    vertical_saccade_time_ms_right_ci95: Annotated[Interval, Field("saccades", "ms",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    vertical_saccade_time_ms_right_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    vertical_saccade_amplitude: Annotated[float | None, Field("saccades", "eye widths",
        "Typical amplitude of the vertical saccades.",
        "Vertical saccades, amplitude (eye widths)", "수직 단속운동의 진폭(눈 너비)")]
    vertical_saccade_amplitude_ci95: Annotated[Interval, Field("saccades", "eye widths",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    vertical_saccade_amplitude_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    vertical_saccade_peak_velocity_deg_s_est: Annotated[float | None, Field("saccades", "deg/s",
        "Typical peak velocity: an estimate, too small like all angles.",
        "Vertical saccades, peak velocity, estimate, too small (degrees a second)",
        "수직 단속운동의 최고 속도, 실제보다 작은 추정값(초당 도)")]
    vertical_saccade_peak_velocity_deg_s_est_ci95: Annotated[Interval, Field("saccades", "deg/s",
        "Bounds of the true peak velocity: allow for what the landmarks do not show.",
        "Bounds of the true peak velocity (degrees a second)",
        "실제 최고 속도의 하한과 상한(초당 도)")]
    vertical_saccade_peak_velocity_deg_s_est_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    amplitude_times_velocity_up: Annotated[float | None, Field("saccades", "eye widths²/s",
        "Amplitude times peak velocity of saccades up: typical value.",
        "Saccades up, amplitude x velocity", "위로 단속운동의 진폭 x 속도")]
    amplitude_times_velocity_up_ci95: Annotated[Interval, Field("saccades", "eye widths²/s",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    amplitude_times_velocity_up_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    amplitude_times_velocity_down: Annotated[float | None, Field("saccades", "eye widths²/s",
        "Amplitude times peak velocity of saccades down: typical value.",
        "Saccades down, amplitude x velocity", "아래로 단속운동의 진폭 x 속도")]
    amplitude_times_velocity_down_ci95: Annotated[Interval, Field("saccades", "eye widths²/s",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    amplitude_times_velocity_down_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    amplitude_times_velocity_horizontal: Annotated[float | None, Field("saccades", "eye widths²/s",
        "Amplitude times peak velocity of saccades to either side: typical value.",
        "Horizontal saccades, amplitude x velocity", "수평 단속운동의 진폭 x 속도")]
    amplitude_times_velocity_horizontal_ci95: Annotated[Interval, Field("saccades", "eye widths²/s",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    amplitude_times_velocity_horizontal_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    amplitude_times_velocity_ratio: Annotated[float | None, Field("saccades", "",
        "Amplitude times peak velocity of vertical saccades over that of horizontal ones.",
        "The same, vertical over horizontal", "같은 값, 수직 / 수평")]
    amplitude_times_velocity_ratio_ci95: Annotated[Interval, Field("saccades", "",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    amplitude_times_velocity_ratio_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    saccade_latency_ms_up: Annotated[float | None, Field("saccades", "ms",
        "Median time from a prompt to look up until the eyes begin to move.",
        "Latency of saccades up (ms)", "위로 단속운동의 잠복기(ms)")]
    saccade_latency_ms_up_ci95: Annotated[Interval, Field("saccades", "ms",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    saccade_latency_ms_up_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    saccade_latency_ms_down: Annotated[float | None, Field("saccades", "ms",
        "Median time from a prompt to look down until the eyes begin to move.",
        "Latency of saccades down (ms)", "아래로 단속운동의 잠복기(ms)")]
    saccade_latency_ms_down_ci95: Annotated[Interval, Field("saccades", "ms",
        "Its 95 % interval.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    saccade_latency_ms_down_reason: Annotated[str | None, Field("saccades", "",
        "Code of why it is null; see definitions.md.",
        "Why it is missing", "값이 없는 이유")]
    valid_time_s: Annotated[float, Field("quality", "s",
        "Time with a face.",
        "Time with the face in view (s)", "얼굴이 보인 시간(초)")]
    blink_count: Annotated[int, Field("blinks", "events",
        "Blinks of both eyes.",
        "Blinks", "눈 깜빡임")]
    incomplete_blink_count: Annotated[int, Field("blinks", "events",
        "Blinks that do not close the eyes completely; they are among the blinks.",
        "Incomplete blinks", "불완전한 눈 깜빡임")]
    prolonged_closure_count: Annotated[int, Field("blinks", "events",
        "Closures of more than 0.5 s; they are not blinks.",
        "Prolonged closures", "긴 눈 감음")]
    wink_count: Annotated[int, Field("blinks", "events",
        "One eye held shut for 0.3 s or longer; winks are not blinks.",
        "Winks", "한쪽 눈 감음")]
    flutter_count: Annotated[int, Field("blinks", "events",
        "Runs of four or more dips in quick succession; each is one event, and no blinks.",
        "Lid flutters", "눈꺼풀 떨림")]
    lids_lowered_s: Annotated[float, Field("blinks", "s",
        "Time with the lids lowered for a second or longer, with the gaze; it is no closure.",
        "Lids lowered (s)", "눈꺼풀을 내린 시간(초)")]
    blink_rate_per_min: Annotated[float | None, Field("blinks", "1/min",
        "Blinks over the time with a face.",
        "Blinks a minute", "분당 눈 깜빡임")]
    blink_rate_per_min_ci95: Annotated[Interval, Field("blinks", "1/min",
        "95 % interval of the blink rate: exact Poisson interval.",
        "Their 95 % interval", "그 95% 신뢰구간")]
    blink_duration_median_s: Annotated[float | None, Field("blinks", "s",
        "Median time from onset to offset, of blinks that were seen whole.",
        "Median duration of blinks (s)", "눈 깜빡임 지속 시간의 중앙값(초)")]
    inter_blink_interval_median_s: Annotated[float | None, Field("blinks", "s",
        "Median time from one onset to the next.",
        "Median time from blink to blink (s)", "눈 깜빡임 사이 시간의 중앙값(초)")]
    perclos: Annotated[float | None, Field("blinks", "0-1",
        "Share of the time with the lids at least 80 % closed.",
        "Share of the time with the lids at least 80 % closed (PERCLOS, 0-1)",
        "눈꺼풀이 80% 이상 감긴 시간의 비율(PERCLOS, 0-1)")]
    open_ear: Annotated[float | None, Field("blinks", "EAR",
        "Eye aspect ratio of this person's open eyes.",
        "EAR of the open eyes", "뜬 눈의 EAR")]
    fixation_phases: Annotated[str | None, Field("fixation", "",
        "Phases that the measures of fixation come from.",
        "Phases of the fixation", "주시를 측정한 단계")]
    fixation_time_s: Annotated[float | None, Field("fixation", "s",
        "Time in these phases that counts for the gaze.",
        "Fixation seen (s)", "주시 시간(초)")]
    square_wave_jerk_rate_per_min: Annotated[float | None, Field("fixation", "1/min",
        "Square-wave jerks a minute of fixation that stand out; some small ones are noise.",
        "Square-wave jerks a minute", "분당 방형파 움직임")]
    square_wave_jerk_rate_per_min_ci95: Annotated[Interval, Field("fixation", "1/min",
        "95 % interval of that rate: exact Poisson interval.",
        "Their 95 % interval", "그 95% 신뢰구간")]
    square_wave_jerk_rate_per_min_reason: Annotated[
        Literal["no_fixation", "not_seen", "too_short", "rate_too_low", "too_noisy"] | None,
        Field("fixation", "",
        "Why there is no rate of square-wave jerks.",
        "Why square-wave jerks were not measured", "방형파 움직임을 측정하지 못한 이유", {
            "no_fixation": ("no phase asks for a fixation", "주시를 지시한 단계가 없음"),
            "not_seen": (
                "blinks or head turns interrupt every fixation",
                "깜빡임이나 머리 움직임으로 주시가 모두 끊김"),
            "too_short": ("too short", "너무 짧음"),
            "rate_too_low": ("the frame rate is too low", "프레임 속도가 너무 낮음"),
            "too_noisy": (
                "too noisy: every jerk would be hidden", "잡음이 커서 방형파 움직임이 모두 가려짐"),
        })]
    square_wave_jerk_count: Annotated[int | None, Field("fixation", "events",
        "Square-wave jerks of 0.5 to 5 degrees that were found.",
        "Square-wave jerks", "방형파 움직임 수")]
    square_wave_jerk_amplitude_deg_est: Annotated[float | None, Field("fixation", "deg",
        "Their median amplitude, an estimate.",
        "Median amplitude of square-wave jerks, estimate (degrees)",
        "방형파 움직임 크기의 중앙값, 추정(도)")]
    square_wave_jerk_visible_deg_est: Annotated[float | None, Field("fixation", "deg",
        "Amplitude from which on it shows nearly all jerks: three noise floors or more.",
        "Smallest visible square-wave jerk, estimate (degrees)",
        "보일 수 있는 가장 작은 방형파 움직임, 추정(도)")]
    fixation_noise_floor_deg_est: Annotated[float | None, Field("fixation", "deg",
        "Standard deviation of the difference of two means over 0.15 s in a fixation.",
        "Noise floor of the fixation, estimate (degrees)", "주시의 잡음 수준, 추정(도)")]
    fixation_bcea: Annotated[float | None, Field("fixation", "squared eye widths",
        "Area of the ellipse that holds 68.2 % of the gaze (BCEA); landmark noise included.",
        "Area of fixation, BCEA (squared eye widths)", "주시 영역 BCEA(눈 너비의 제곱)")]
    fixation_bcea_ci95: Annotated[Interval, Field("fixation", "squared eye widths",
        "95 % interval of that area: jackknife over seconds.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    fixation_bcea_reason: Annotated[
        Literal["no_fixation", "too_short", "not_followed"] | None, Field("fixation", "",
        "Why there is no area of fixation.",
        "Why the area of fixation was not measured", "주시 영역을 측정하지 못한 이유", {
            "no_fixation": ("no phase asks for a fixation", "주시를 지시한 단계가 없음"),
            "too_short": ("too short", "너무 짧음"),
            "not_followed": (
                "the landmarks hardly follow the eyes up and down",
                "표식점이 눈의 위아래 움직임을 거의 따라가지 못함"),
        })]
    lid_kinematics_phases: Annotated[str | None, Field("lids", "",
        "Phases that velocity, amplitude and regularity of blinks come from.",
        "Phases of the lid movements", "눈꺼풀 움직임을 측정한 단계")]
    blink_closing_velocity_per_s: Annotated[float | None, Field("lids", "lid openings/s",
        "Median peak velocity of the closing lids, as the landmarks show it; 1 = open eye.",
        "Peak velocity of closing lids (openings a second)",
        "눈꺼풀을 감는 최고 속도(초당 눈 뜬 높이)")]
    blink_closing_velocity_per_s_ci95: Annotated[Interval, Field("lids", "lid openings/s",
        "95 % interval of that median, widened by the unknown exposure of a frame.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    blink_closing_velocity_per_s_reason: Annotated[
        Literal["too_few_blinks", "rate_too_low"] | None, Field("lids", "",
        "Why there is no such velocity.",
        "Why the closing velocity was not measured", "감는 속도를 측정하지 못한 이유", {
            "too_few_blinks": ("too few blinks were seen whole", "온전히 보인 깜빡임이 너무 적음"),
            "rate_too_low": ("the frame rate is too low", "프레임 속도가 너무 낮음"),
        })]
    blink_closing_velocity_true_per_s_ci95: Annotated[Interval, Field("lids", "lid openings/s",
        "Bounds of the lids' own velocity, of which landmarks show between half and twice.",
        "Bounds of the true closing velocity (openings a second)",
        "눈꺼풀을 감는 실제 속도의 범위(초당 눈 뜬 높이)")]
    blink_opening_velocity_per_s: Annotated[float | None, Field("lids", "lid openings/s",
        "Median peak velocity of the opening lids, as the landmarks show it; 1 = open eye.",
        "Peak velocity of opening lids (openings a second)",
        "눈꺼풀을 뜨는 최고 속도(초당 눈 뜬 높이)")]
    blink_opening_velocity_per_s_ci95: Annotated[Interval, Field("lids", "lid openings/s",
        "95 % interval of that median, widened by the unknown exposure of a frame.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    blink_opening_velocity_per_s_reason: Annotated[
        Literal["too_few_blinks", "rate_too_low"] | None, Field("lids", "",
        "Why there is no such velocity.",
        "Why the opening velocity was not measured", "뜨는 속도를 측정하지 못한 이유", {
            "too_few_blinks": ("too few blinks were seen whole", "온전히 보인 깜빡임이 너무 적음"),
            "rate_too_low": ("the frame rate is too low", "프레임 속도가 너무 낮음"),
        })]
    blink_opening_velocity_true_per_s_ci95: Annotated[Interval, Field("lids", "lid openings/s",
        "Bounds of the lids' own velocity, of which landmarks show between half and twice.",
        "Bounds of the true opening velocity (openings a second)",
        "눈꺼풀을 뜨는 실제 속도의 범위(초당 눈 뜬 높이)")]
    blink_closing_time_s: Annotated[float | None, Field("lids", "s",
        "Median time in which the lids close.",
        "Median closing time (s)", "눈꺼풀을 감는 시간의 중앙값(초)")]
    blink_opening_time_s: Annotated[float | None, Field("lids", "s",
        "Median time in which the lids open.",
        "Median opening time (s)", "눈꺼풀을 뜨는 시간의 중앙값(초)")]
    blink_amplitude: Annotated[float | None, Field("lids", "0-1",
        "Median share of the lid opening by which the lids close in blinks.",
        "Median amplitude of blinks (0-1)", "눈 깜빡임 진폭의 중앙값(0-1)")]
    incomplete_blink_share: Annotated[float | None, Field("lids", "0-1",
        "Share of the blinks that do not close the eyes completely.",
        "Share of incomplete blinks (0-1)", "불완전한 깜빡임의 비율(0-1)")]
    inter_blink_interval_variation: Annotated[float | None, Field("lids", "",
        "Standard deviation of the times from blink to blink over their mean.",
        "Variability of the time between blinks", "깜빡임 사이 시간의 변동")]
    blink_amplitude_change_per_10: Annotated[float | None, Field("lids", "",
        "Change of the amplitude over 10 blinks, as a share of its mean; negative: decrement.",
        "Change of the amplitude over 10 blinks", "깜빡임 10회 동안의 진폭 변화")]
    blink_amplitude_change_per_10_ci95: Annotated[Interval, Field("lids", "",
        "95 % interval of that change.",
        "Its 95 % interval", "그 95% 신뢰구간")]
    blink_rate_rest_per_min: Annotated[float | None, Field("lids", "1/min",
        "Blinks a minute in the phases `rest`.",
        "Blinks a minute at rest", "안정 시 분당 눈 깜빡임")]
    blink_rate_rest_per_min_ci95: Annotated[Interval, Field("lids", "1/min",
        "95 % interval of that rate: exact Poisson interval.",
        "Their 95 % interval", "그 95% 신뢰구간")]
    blink_rate_rest_per_min_reason: Annotated[
        Literal["no_phase", "too_short"] | None, Field("lids", "",
        "Why there is no such rate.",
        "Why blinks at rest were not counted", "안정 시 깜빡임을 세지 못한 이유", {
            "no_phase": ("the protocol has no such phase", "프로토콜에 이런 단계가 없음"),
            "too_short": ("too short", "너무 짧음"),
        })]
    blink_rate_rest_phases: Annotated[str | None, Field("lids", "",
        "Phases that this rate comes from.",
        "Phases of the blinks at rest", "안정 시 깜빡임을 센 단계")]
    blink_rate_rest_time_s: Annotated[float | None, Field("lids", "s",
        "Time with a face in the phases `rest`.",
        "Rest seen (s)", "안정 시간(초)")]
    blink_rate_task_per_min: Annotated[float | None, Field("lids", "1/min",
        "Blinks a minute in the phases other than `rest`.",
        "Blinks a minute during the task", "과제 중 분당 눈 깜빡임")]
    blink_rate_task_per_min_ci95: Annotated[Interval, Field("lids", "1/min",
        "95 % interval of that rate: exact Poisson interval.",
        "Their 95 % interval", "그 95% 신뢰구간")]
    blink_rate_task_per_min_reason: Annotated[
        Literal["no_phase", "too_short"] | None, Field("lids", "",
        "Why there is no such rate.",
        "Why blinks during the task were not counted", "과제 중 깜빡임을 세지 못한 이유", {
            "no_phase": ("the protocol has no such phase", "프로토콜에 이런 단계가 없음"),
            "too_short": ("too short", "너무 짧음"),
        })]
    blink_rate_task_phases: Annotated[str | None, Field("lids", "",
        "Phases that this rate comes from.",
        "Phases of the blinks during the task", "과제 중 깜빡임을 센 단계")]
    framing_gain: Annotated[float | None, Field("gaze", "",
        "Factor by which the vertical offset was corrected for the framing of the face.",
        "Factor that corrects the vertical offset", "수직 위치를 보정하는 계수")]
    task: Annotated[Literal["protocol", "up_down", "extended", "unknown"], Field("recording", "",
        "What the person was asked to do: the protocol, or the parameter `task`.",
        "Task", "과제",
        {
            "protocol": ("the protocol's", "프로토콜에 따름"),
            "up_down": ("to look up and down", "위아래를 보기"),
            "extended": ("the longer task, at unknown times", "긴 과제, 시각은 알 수 없음"),
            "unknown": ("unknown", "알 수 없음"),
        })]
    phases: tuple[PhaseFields, ...]
    quality: Annotated[QualityFields, Prefix("quality_")]
    video_meta: Annotated[VideoFields, Prefix("video_")]
    sampling: Annotated[SamplingFields, Prefix("sampling_")]
    partial: Annotated[bool, Field("recording", "",
        "Whether the analysis ended before the recording did.",
        "Ended before the recording did", "녹화보다 먼저 끝남")]
    parameters: Annotated[ParameterFields, Prefix("parameter_")]
    corrected: Annotated[bool | None, Field("corrections", "",
        "Whether a person corrected the events; null in summaries of earlier versions.",
        "Corrected by a person", "사람이 수정함")]
    corrected_by: Annotated[str | None, Field("corrections", "",
        "Initials of the person who corrected them; null if nobody did.",
        "Corrected by", "수정한 사람")]
    corrected_at: Annotated[str | None, Field("corrections", "",
        "When the corrections were saved, UTC.",
        "Corrected at (UTC)", "수정한 때(UTC)")]
    corrected_why: Annotated[str | None, Field("corrections", "",
        "Why, in that person's words; null if no reason was given.",
        "Reason for the corrections", "수정한 이유")]
    correction_count: Annotated[int | None, Field("corrections", "",
        "Events removed, added or changed, unusable stretches, and the primary position.",
        "Corrections", "수정 건수")]
    detected_blink_count: Annotated[int | None, Field("corrections", "events",
        "Blinks before the corrections.",
        "Blinks before the corrections", "수정 전 눈 깜빡임")]
    unusable_time_s: Annotated[float | None, Field("corrections", "s",
        "Time with a face that the corrections take away as unusable.",
        "Time marked as not usable (s)", "쓸 수 없다고 표시한 시간(초)")]
    version: Annotated[str, Field("recording", "",
        "Version of this program.",
        "Version", "버전")]
    note: Annotated[str, Field("recording", "",
        "A reminder that the result is for research.",
        "Note", "참고")]
    resume_key: Annotated[str | None, Field("recording", "",
        "Seal that lets a later run recognise finished files. Only `analyze` writes it.",
        "Resume key", "재개 키")] = None
    participant: ParticipantFields | None = None
    # fmt: on

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document: plain numbers, text, lists and dictionaries.

        A missing value is None, and an interval a list of two. Fields of `OPTIONAL` that are None
        are left out.
        """
        document: dict[str, Any] = _to_plain(self)
        for name in OPTIONAL:
            if document[name] is None:
                del document[name]
        return document


OPTIONAL = ("resume_key", "participant")
"""Fields that the document lacks where they are None: the API writes none of them."""


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return {one.name: _to_plain(getattr(value, one.name)) for one in fields(value)}
    return [_to_plain(item) for item in value] if isinstance(value, tuple) else value
