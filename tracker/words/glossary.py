"""The Korean terms, each with its English one, and the Korean words that are not used for it.

Every Korean text of reports, pages, tables and the web client keeps to these terms: a test looks
for the avoided words. Sentences address a clinician with 하십시오, a patient with 해 주세요.
"""

from typing import NamedTuple


class Term(NamedTuple):
    """A term.

    Attributes
    ----------
    ko, en : str
        The term in Korean and in English.
    note : str
        When it is used, in English.
    avoid : tuple of str
        Other Korean words for the same thing, which no Korean text may use.
    """

    ko: str
    en: str
    note: str
    avoid: tuple[str, ...] = ()


GLOSSARY = (
    Term(
        "진행성핵상마비",
        "progressive supranuclear palsy",
        "Written out where a page first names PSP; spelt as in the Korean classification (KCD).",
        ("진행성 핵상 마비", "진행핵상마비"),
    ),
    Term("PSP 의심 소견", "PSP suspected", "The answer `suspected`.", ("의심됨", "뒷받침함")),
    Term(
        "PSP 의심 소견 없음",
        "PSP not suspected",
        "The answer `not_suspected`.",
        ("의심되지 않음", "뒷받침하지 않음", "의심 없음"),
    ),
    Term("경계", "borderline", "The answer `borderline`.", ("경계선", "경계성")),
    Term("평가할 수 없음", "not assessable", "The answer `not_assessable`.", ("평가 불가",)),
    Term(
        "눈 깜빡임",
        "blink",
        "The verb is 깜빡이다. A short column head may say 깜빡임.",
        ("깜박", "눈깜빡임", "순목"),
    ),
    Term("깜빡임별 눈 사진", "eyes in each event", "A heading."),
    Term("이벤트", "event", "A blink, closure, flutter or wink.", ("사건", "항목")),
    Term("긴 눈 감음", "prolonged closure", "Longer than 0.5 s.", ("오래 감은 눈", "장시간 감음")),
    Term("눈꺼풀", "lid", "", ("안검",)),
    Term("참가자 코드", "participant code", "The person in the video is 대상자.", ("참가자 번호",)),
    Term("군", "group", "Of a study.", ("집단",)),
    Term("시선", "gaze", "", ("응시", "주시점")),
    Term(
        "수직 범위",
        "vertical range",
        "The range of the gaze, not of the eye muscles.",
        ("수직 안구 운동 범위", "수직안구운동"),
    ),
    Term("위쪽 범위", "range up", "", ("상방 범위",)),
    Term("아래쪽 범위", "range down", "", ("하방 범위",)),
    Term("일차 안위", "primary position", "Of the eyes that look ahead.", ("제일안위", "1차 안위")),
    Term("단속운동", "saccade", "", ("사카드", "신속보기")),
    Term("잠복기", "latency", "From an instruction until the eyes move.", ("지연 시간",)),
    Term(
        "안정 시", "at rest", "Of the blink rate. The task's phase is 휴식.", ("휴식 시", "휴식 중")
    ),
    Term("방형파 움직임", "square-wave jerk", "Two small opposite saccades in a fixation."),
    Term("주시", "fixation", "Looking at one point. The gaze itself is 시선."),
    Term("주시마비", "gaze palsy", "", ("안구 마비", "안구마비")),
    Term("기준값", "threshold", "", ("임계값", "역치", "한계값")),
    Term("신뢰구간", "confidence interval", "", ("신뢰 구간",)),
    Term("이상값", "outlier", "", ("특이한 값", "이상치")),
    Term("%", "per cent", "Directly after the number.", (" %",)),
    Term("녹화", "recording", "The noun. The verb, for a person with a phone, is 촬영하다."),
    Term("표식점", "landmark", "A point of the face.", ("랜드마크", "특징점")),
    Term("트랙 파일", "track", "The file of the landmarks, `STEM.track.npz`.", ("표식점 파일",)),
    Term("홍채", "iris", ""),
    Term("눈구석", "canthus", "", ("안각",)),
    Term("디코딩", "decode", "Of a video's frames.", ("해독",)),
    Term("시간 초과", "out of time", "The time for the analysis ended.", ("시간 부족",)),
    Term("시간 정보", "timestamp", "Of a video's frames.", ("타임스탬프",)),
    Term("버튼", "button", "", ("단추",)),
    Term(
        "처리하지 못했습니다",
        "did not work",
        "Of a request of the web client.",
        ('"되지 않았습니다"', "실패하였습니다"),
    ),
)
