"""The columns of all tables, each defined once: frames, blinks, saccades and cohorts.

The columns of a sweep's table are put together from these. A column that holds a field of the
summary is described in `tracker.files.fields`. This module imports nothing that is slow to load.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any

from tracker.files.documents import get_value, read_record
from tracker.files.fields import Field, Interval, Prefix, Summary

ARROW_TYPES = {str: "string", int: "int64", float: "float64", bool: "bool"}
"""Pyarrow's name of each type."""
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Spreadsheets take text that begins with one of these for a formula."""
ENDS = (("low", "lower end", "하한"), ("high", "upper end", "상한"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. Any of its values may be missing.

    Attributes
    ----------
    name : str
        What stands in the table's first row.
    kind : type
        str, int, float or bool.
    unit, meaning : str
        The unit, empty for text, flags and pure numbers; and one line that explains the column.
    en, ko : str
        Label in English and Korean.
    path : str
        Dotted name of the summary's field that it holds, such as ``quality.sharpness``; empty where
        it holds none.
    end : {0, 1, None}
        If that field is an interval, the end that this column holds: the lower (0) or the upper
        (1). None if it is a single value.
    """

    name: str
    kind: type
    unit: str
    meaning: str
    en: str
    ko: str
    path: str = ""
    end: int | None = None

    def read(self, summary: Summary) -> Any:
        """Return a recording's value in this column, from its summary; None if it is missing.

        Only a column with a `path` can be read; another raises `AttributeError`.
        """
        value = get_value(summary, self.path)
        return value if self.end is None else value[self.end]


def _make_columns(record: type, path: str = "", prefix: str = "") -> Iterator[Column]:
    """Yield the columns of a record, in the order of its fields.

    `record` is a dataclass such as `Summary`. An interval ``x_ci95`` or ``x_range`` gives two
    columns, ``x_low`` and ``x_high``; a field that is a record itself gives the columns of its
    fields; a list gives none, nor does `participant`. `path`, such as ``quality.``, is what stands
    before the fields' names in `Column.path`, and `prefix`, such as ``quality_``, in `Column.name`.
    """
    for name, (shape, about) in read_record(record).items():
        if is_dataclass(shape.kind) and isinstance(about, Prefix):
            yield from _make_columns(shape.kind, f"{path}{name}.", about.text)
        elif not isinstance(about, Field) or shape.kind is tuple:
            continue
        elif shape.kind is not Interval:
            words = (about.unit, about.meaning, about.en, about.ko)
            yield Column(prefix + name, shape.kind, *words, path + name)
        else:
            base = prefix + (
                name.removesuffix("_ci95")
                if name.endswith("_ci95")
                else name.removesuffix("_range")
            )
            for end, (suffix, en, ko) in enumerate(ENDS):
                words = (about.unit, about.meaning, f"{about.en}, {en}", f"{about.ko}, {ko}")
                yield Column(f"{base}_{suffix}", float, *words, path + name, end)


SUMMARY_COLUMNS = tuple(_make_columns(Summary))
"""A column for each single value of the summary. Its lists (findings, protocol) have none."""


def find_columns(path: str) -> tuple[Column, ...]:
    """Return the columns that hold a field of the summary: one, or two of an interval, low first.

    Parameters
    ----------
    path : str
        Dotted name of the field.

    Raises
    ------
    KeyError
        No column holds it.
    """
    found = tuple(column for column in SUMMARY_COLUMNS if column.path == path)
    if not found:
        raise KeyError(path)
    return found


def _make_cohort_columns() -> Iterator[Column]:
    yield from COHORT_OWN_COLUMNS
    single = [column for column in SUMMARY_COLUMNS if "." not in column.path]
    # The answer comes first, what made it comes last. `COHORT_OWN_COLUMNS` replace what is left
    # out.
    aside = ("psp_suspected", "video_sha256", "version")
    left_out = ("source", "psp_rule_reason", "note", "resume_key")
    yield from find_columns("psp_suspected")
    yield from (column for column in single if column.path not in (*aside, *left_out))
    yield from (column for column in SUMMARY_COLUMNS if "." in column.path)
    yield from (*find_columns("video_sha256"), *find_columns("version"))
    for kind, ko in FILE_KINDS.items():
        yield Column(
            f"{kind}_file",
            str,
            "",
            f"The {kind} file, from the table's folder.",
            f"{kind.capitalize()} file",
            f"{ko} 파일",
        )


def disarm_formula(text: str, mark: str = "'") -> str:
    """Return text that no spreadsheet runs as a formula.

    Text that begins with one of `FORMULA_BEGINNINGS`, such as "=" or "-", gets `mark` before it. So
    does text that begins so behind marks: else, two ids could become one. Other text stays as it
    is.
    """
    bare = text
    while bare.startswith(mark):
        bare = bare.removeprefix(mark)
    return mark + text if bare.startswith(FORMULA_BEGINNINGS) else text


def explain_missing_parquet() -> str | None:
    """Return a sentence that says how to install pyarrow, to write Parquet; None if it is there."""
    if importlib.util.find_spec("pyarrow") is None:
        return "pyarrow, which writes Parquet files, is missing: pip install pyarrow"
    return None


def make_arrow_schema(columns: Sequence[Column]) -> Any:
    """Return the `pyarrow.Schema` of a table, with each column's unit, meaning and labels."""
    # Pyarrow takes a tenth of a second to import, and only Parquet files need it.
    import pyarrow as pa

    return pa.schema(
        [
            pa.field(
                column.name,
                ARROW_TYPES[column.kind],
                metadata={
                    "unit": column.unit,
                    "meaning": column.meaning,
                    "label": column.en,
                    "label_ko": column.ko,
                },
            )
            for column in columns
        ]
    )


FILE_KINDS = {
    "summary": "요약",
    "frames": "프레임",
    "blinks": "눈 깜빡임",
    "saccades": "단속운동",
    "track": "트랙",
    "overlay": "표시 영상",
    "report": "보고서",
    "pdf": "PDF",
}

# Each column takes two or three lines here. The formatter would make eight of them.
# fmt: off
FRAME_COLUMNS = (
    Column("frame_idx", int, "frames", "Index of the frame in the source video, from 0.",
        "Frame", "프레임"),
    Column("time_sec", float, "s", "Time from the first frame, by the video's own timestamps.",
        "Time (s)", "시간(초)"),
    Column("L_iris_cx", float, "px", "Centre of the left iris, from the picture's left edge.",
        "Left iris, x (pixels)", "왼쪽 홍채 중심 x(픽셀)"),
    Column("L_iris_cy", float, "px", "Centre of the left iris, from the picture's top.",
        "Left iris, y (pixels)", "왼쪽 홍채 중심 y(픽셀)"),
    Column("L_eye_open", float, "EAR", "Eye aspect ratio (EAR) of the left eye; 0 is shut.",
        "Opening, left eye (EAR)", "왼쪽 눈 뜬 정도(EAR)"),
    Column("L_v_offset", float, "eye widths",
        "Vertical gaze offset of the left eye; down is positive.",
        "Vertical offset, left eye (eye widths)", "왼쪽 눈의 수직 위치(눈 너비)"),
    Column("R_iris_cx", float, "px", "Centre of the right iris, from the picture's left edge.",
        "Right iris, x (pixels)", "오른쪽 홍채 중심 x(픽셀)"),
    Column("R_iris_cy", float, "px", "Centre of the right iris, from the picture's top.",
        "Right iris, y (pixels)", "오른쪽 홍채 중심 y(픽셀)"),
    Column("R_eye_open", float, "EAR", "Eye aspect ratio (EAR) of the right eye; 0 is shut.",
        "Opening, right eye (EAR)", "오른쪽 눈 뜬 정도(EAR)"),
    Column("R_v_offset", float, "eye widths",
        "Vertical gaze offset of the right eye; down is positive.",
        "Vertical offset, right eye (eye widths)", "오른쪽 눈의 수직 위치(눈 너비)"),
    Column("eye_open", float, "EAR", "Eye aspect ratio, mean of both eyes.",
        "Opening of the eyes (EAR)", "눈 뜬 정도(EAR)"),
    Column("v_offset", float, "eye widths",
        "Vertical gaze offset, mean of both eyes; down is positive.",
        "Vertical offset (eye widths)", "수직 위치(눈 너비)"),
    Column("h_offset", float, "eye widths",
        "Horizontal gaze offset, mean of both eyes; the subject's left is positive.",
        "Horizontal offset (eye widths)", "수평 위치(눈 너비)"),
    Column("L_h_offset", float, "eye widths",
        "Horizontal gaze offset of the left eye; the subject's left is positive.",
        "Horizontal offset, left eye (eye widths)", "왼쪽 눈의 수평 위치(눈 너비)"),
    Column("R_h_offset", float, "eye widths",
        "Horizontal gaze offset of the right eye; the subject's left is positive.",
        "Horizontal offset, right eye (eye widths)", "오른쪽 눈의 수평 위치(눈 너비)"),
    Column("eye_open_baseline", float, "EAR",
        "Eye aspect ratio of the open eyes around this moment.",
        "Open eyes (EAR)", "뜬 눈의 EAR"),
    Column("event", str, "",
        "`blink`, `prolonged_closure`, `flutter`, `wink_left` or `wink_right`; empty outside.",
        "Event", "이벤트"),
    Column("gaze_valid", bool, "", "Whether the frame counts for the gaze.",
        "Counts for the gaze", "시선 계산에 쓰임"),
    Column("L_iris_diameter_px", float, "px", "Width of the left iris.",
        "Left iris, width (pixels)", "왼쪽 홍채의 너비(픽셀)"),
    Column("R_iris_diameter_px", float, "px", "Width of the right iris.",
        "Right iris, width (pixels)", "오른쪽 홍채의 너비(픽셀)"),
    Column("L_palpebral_fissure_px", float, "px", "Height of the left lid opening.",
        "Left lid opening (pixels)", "왼쪽 눈꺼풀 틈(픽셀)"),
    Column("R_palpebral_fissure_px", float, "px", "Height of the right lid opening.",
        "Right lid opening (pixels)", "오른쪽 눈꺼풀 틈(픽셀)"),
    Column("L_canthal_distance_px", float, "px", "Width of the left eye, from canthus to canthus.",
        "Left eye, width (pixels)", "왼쪽 눈의 너비(픽셀)"),
    Column("R_canthal_distance_px", float, "px", "Width of the right eye, from canthus to canthus.",
        "Right eye, width (pixels)", "오른쪽 눈의 너비(픽셀)"),
    Column("head_roll_deg", float, "deg", "Tilt of the head; clockwise in the picture is positive.",
        "Tilt of the head (degrees)", "머리의 기울임(도)"),
    Column("head_yaw_deg", float, "deg", "Turn of the head; to the subject's left is positive.",
        "Turn of the head (degrees)", "머리의 좌우 회전(도)"),
    Column("head_pitch_deg", float, "deg",
        "Nod of the head, relative to the camera; nose down is positive.",
        "Nod of the head (degrees)", "머리의 끄덕임(도)"),
)
"""Columns of ``STEM.frames.csv``, which has a row for each analysed frame."""

BLINK_COLUMNS = (
    Column("kind", str, "", "`blink`, `prolonged_closure` or `flutter`.",
        "Event", "이벤트"),
    Column("onset_s", float, "s", "When the lids began to close, between frames.",
        "Onset (s)", "시작(초)"),
    Column("peak_s", float, "s", "When the lids were closed the most.",
        "Peak (s)", "최대(초)"),
    Column("offset_s", float, "s",
        "When the lids ceased to open, between frames.",
        "Offset (s)", "끝(초)"),
    Column("onset_frame", int, "frames",
        "The first frame of the source video with the lids down by a tenth of the way.",
        "Onset (frame)", "시작(프레임)"),
    Column("peak_frame", int, "frames", "The peak as an index of the source video.",
        "Peak (frame)", "최대(프레임)"),
    Column("offset_frame", int, "frames", "The first frame of the source video after the event.",
        "Offset (frame)", "끝(프레임)"),
    Column("duration_s", float, "s", "From onset to offset.",
        "Duration (s)", "지속 시간(초)"),
    Column("closing_s", float, "s", "From onset to peak.",
        "Closing (s)", "감는 시간(초)"),
    Column("opening_s", float, "s", "From peak to offset.",
        "Opening (s)", "뜨는 시간(초)"),
    Column("closed_s", float, "s",
        "Time with the lids closed by 90 % of the way or more; over 0.5 s is no blink.",
        "Closed (s)", "감긴 시간(초)"),
    Column("amplitude", float, "", "How far the lids closed: 0 = not at all, 1 = no opening left.",
        "Amplitude", "진폭"),
    Column("complete", bool, "", "Whether the lids closed completely.",
        "Complete", "완전함"),
    Column("L_amplitude", float, "", "Amplitude of the left eye.",
        "Amplitude, left eye", "왼쪽 눈의 진폭"),
    Column("R_amplitude", float, "", "Amplitude of the right eye.",
        "Amplitude, right eye", "오른쪽 눈의 진폭"),
    Column("L_complete", bool, "", "Whether the left eye closed completely.",
        "Complete, left eye", "왼쪽 눈이 완전히 감김"),
    Column("R_complete", bool, "", "Whether the right eye closed completely.",
        "Complete, right eye", "오른쪽 눈이 완전히 감김"),
    Column("onset_seen", bool, "", "False if the face or frames are missing at the onset.",
        "Onset seen", "시작이 보임"),
    Column("offset_seen", bool, "", "False if the face or frames are missing at the offset.",
        "Offset seen", "끝이 보임"),
)
"""Columns of ``STEM.blinks.csv``, which has a row for each blink and prolonged closure."""


def _make_value(
    name: str, unit: str, meaning: str, en: str, ko: str
) -> tuple[Column, Column, Column]:
    """Return three columns: NAME of a measured value, NAME_low and NAME_high of its 95 % interval.

    The arguments are attributes of the first one, see `Column`.
    """
    low, high = (
        Column(f"{name}_{suffix}", float, unit, f"Its 95 % interval, {end_en}.",
            f"{en}, {end_en}", f"{ko}, {end_ko}")
        for suffix, end_en, end_ko in ENDS
    )
    return Column(name, float, unit, meaning, en, ko), low, high


SACCADE_COLUMNS = (
    Column("step", int, "", "Number of the gaze step, in order of time, from 1.",
        "No.", "번호"),
    Column("eye", str, "", "`both` (the mean of the eyes), `left` or `right`: the subject's.",
        "Eye", "눈"),
    Column("direction", str, "", "`up`, `down`, `left` or `right`: where the eyes moved.",
        "Direction", "방향"),
    Column("phase", str, "", "The protocol's phase at the middle of the step; empty outside.",
        "Asked for", "지시"),
    Column("prompt_s", float, "s", "Start of that phase.",
        "Prompt (s)", "지시 시각(초)"),
    Column("middle_s", float, "s",
        "Roughly the middle of the step, or of the gap that hides it.",
        "Time (s)", "시각(초)"),
    *_make_value("onset_s", "s", "When the eyes began to move.",
        "Onset (s)", "시작(초)"),
    *_make_value("latency_ms", "ms",
        "From the prompt to the onset, of the first step that answers it. The interval allows for "
        "the recorder's clock.",
        "Latency (ms)", "잠복기(ms)"),
    *_make_value("amplitude", "eye widths", "How far the gaze moved.",
        "Amplitude (eye widths)", "진폭(눈 너비)"),
    *_make_value("time_10_90_ms", "ms", "Time from 10 to 90 % of the step.",
        "10-90 % time (ms)", "10-90% 시간(ms)"),
    *_make_value("peak_velocity_deg_s_est", "deg/s",
        "Peak velocity: an estimate, too small like all angles. Its interval bounds the true one.",
        "Peak velocity, estimate, too small (degrees a second)",
        "최고 속도, 실제보다 작은 추정값(초당 도)"),
    Column("used", bool, "", "Whether the summary's typical values come from it, among others.",
        "Counts", "계산에 쓰임"),
    Column("reason", str, "", "Code of why it does not count; see definitions.md.",
        "Why it does not count", "쓰이지 않은 이유"),
)
"""Columns of ``STEM.saccades.csv``, which has a row for each step of the gaze and each eye."""

COHORT_OWN_COLUMNS = (
    Column("recording", str, "",
        "Where the recording's files are, from the table's folder, without suffix.",
        "Recording", "녹화"),
    Column("file", str, "", "The video's name, with the folders below the one that was searched.",
        "File", "파일"),
    Column("participant_id", str, "", "The study's code of the person, from `participants.tsv`.",
        "Participant", "참가자"),
    Column("group", str, "", "The study's group of the person, from the same table.",
        "Group", "군"),
    Column("visit", str, "", "The visit, from the same table.",
        "Visit", "방문"),
    Column("date", str, "", "Date of the recording, YYYY-MM-DD, from the same table.",
        "Date", "날짜"),
    Column("status", str, "", "The assessment's status, or `failed`.",
        "Assessment", "평가", "assessment.status"),
    Column("basis", str, "", "The column that the answer rests on, or would rest on.",
        "Rests on", "판정의 근거가 되는 값", "assessment.basis"),
    Column("basis_limit", float, "eye widths", "Limit of that column.",
        "Limit of that value (eye widths)", "그 값의 기준값(눈 너비)", "assessment.basis_limit"),
    Column("reasons", str, "", "Codes of the assessment's reasons, separated by spaces.",
        "Reasons", "이유"),
    Column("cautions", str, "", "Codes of the assessment's cautions, separated by spaces.",
        "Cautions", "주의 사항"),
    Column("outliers", str, "",
        "Columns in which the recording is unlike the others, separated by spaces.",
        "Outliers", "이상값"),
    Column("explanation", str, "", "Why the answer is what it is, in English.",
        "Explanation", "판정 근거", "psp_rule_reason"),
    Column("failure_code", str, "", "Of a failed recording: what went wrong, for programs.",
        "Failure, code", "실패 코드"),
    Column("failure_message", str, "",
        "Of a failed recording: what went wrong and what to do about it.",
        "Failure", "실패 원인"),
)
"""Columns of a cohort's table that come before the values of the summary."""
# fmt: on

COHORT_COLUMNS = tuple(_make_cohort_columns())
"""Columns of ``cohort.csv`` and ``cohort.parquet``; the same for all recordings and options."""
