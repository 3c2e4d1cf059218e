"""What is said of a comparison, in English and Korean: the same keys and placeholders in both."""

from typing import Any

from tracker.words.en import Language

_ENGLISH = {
    "title": "Comparison of recordings",
    "measure.vertical_peak_to_peak": "Vertical range",
    "measure.up_range": "Range up",
    "measure.down_range": "Range down",
    "measure.horizontal_peak_to_peak": "Horizontal range",
    "measure.blink_rate_per_min": "Blinks",
    "measure.prolonged_closure_rate_per_min": "Prolonged closures",
    "measure.blink_duration_median_s": "Blink duration (median)",
    "measure.perclos": "Time with the lids shut (PERCLOS)",
    "unit.eye_widths": "eye widths",
    "unit.per_min": "per minute",
    "unit.s": "seconds",
    "unit.share": "share of the time, 0-1",
    "verdict.once": "differs by more than the recordings' own uncertainty",
    "verdict.repeated": "changed by more than repeated recordings differ",
    "verdict.unchanged": "no change shown",
    "verdict.not_judged": "not judged",
    "why.no_interval": "record each condition at least twice",
    "why.not_assessable": "a recording is not assessable",
    "why.same_recording": "the same recording twice",
    "why.other_parameters": "other parameters",
    "why.other_protocol": "another task",
    "why.other_camera_height": "another camera height",
    "concern.not_assessable": "{labels}: a recording is not assessable ({details}). Nothing "
    "that it is part of is judged: record again.",
    "concern.partial": "{labels}: the end of a recording was not analysed.",
    "concern.same_recording": "{labels}: one recording is given twice. The same numbers are no "
    "second measurement.",
    "concern.other_parameters": "{labels}: analysed with other parameters of the blinks than "
    "the first recording ({first}). Nothing is judged: analyse both alike, with `eye-tracker "
    "reanalyze`.",
    "concern.other_protocol": "{labels}: another task was asked for than in the first "
    "recording ({first}). The gaze is not judged: record the same task.",
    "concern.other_version": "{labels}: analysed by another version of this program than the "
    "first recording ({first}). Compare the tracks (STEM.track.npz), which are analysed anew.",
    "concern.other_rate": "{labels}: another rate of analysed frames than in the first "
    "recording ({first}); short blinks are missed at lower ones.",
    "concern.other_camera_height": "{labels}: the camera looked from another height than in the "
    "first recording ({first}), which by itself changes the ranges. The gaze is not judged: record "
    "at the height of the eyes.",
    "sum.changed": "Different from {first}",
    "sum.unchanged": "No change shown",
    "sum.not_judged": "Not judged",
    "sum.none": "none",
    "note.once": "The intervals cover what varies within each recording. How much a person "
    "differs from one recording to the next, or from day to day, is not known from one recording "
    "of each condition: a change may be that. Record each condition twice or more and give all "
    "of them.",
    "note.repeated": "Where a measure has a smallest detectable change, it comes from what "
    "repeated recordings of one condition differ by ({free} degrees of freedom): on the days on "
    "which they were made.",
    "note.chance": "{judged} changes were judged, each at 5 %: up to {expected:.2f} would be "
    "called changed by chance if nothing had changed.",
    "note.person": "All recordings have to be of one person; the program does not know.",
    "column.condition": "Condition",
    "column.value": "Value (95 % interval)",
    "column.picture": "Picture",
    "column.change": "Change from {first} (95 % interval)",
    "column.verdict": "Verdict",
    "column.recording": "Recording",
    "column.status": "Assessment",
    "column.seen": "Face seen",
    "heading.measures": "Measures",
    "heading.concerns": "What stands against comparing",
    "heading.recordings": "Recordings",
    "heading.how": "How changes are judged",
    "detectable": "Smallest detectable change between two single recordings: {value}",
    "status.suspected": "suspected",
    "status.not_suspected": "not suspected",
    "status.not_assessable": "not assessable",
    "to": "to",
    "ratio": "{value} times",
    "repeats": "; repeats differ by up to {limit}",
    "how": "Changes of the vertical range: the 95 % interval of the difference, from each "
    "recording's own interval (block bootstrap; G. Y. Zou, A. Donner, Statistics in Medicine 27, "
    "2008). Changes of rates: the exact 95 % interval of their ratio (J. Przyborowski, H. "
    "Wilenski, Biometrika 31, 1940), as if blinks came independently of each other: those that "
    "come in bursts vary more. Where a condition was recorded more than once, a change also has "
    "to exceed the smallest detectable one: Student's quantile times the standard deviation "
    "within conditions times the root of 1/n + 1/m recordings (J. M. Bland, D. G. Altman, BMJ "
    "312, 1996; H. C. W. de Vet et al., Journal of Clinical Epidemiology 59, 2006). Measures "
    "without an interval are judged by that alone. “No change shown” does not mean that nothing "
    "changed.",
}
_KOREAN = {
    "title": "녹화 비교",
    "measure.vertical_peak_to_peak": "수직 안구 운동 범위",
    "measure.up_range": "위쪽 범위",
    "measure.down_range": "아래쪽 범위",
    "measure.horizontal_peak_to_peak": "수평 안구 운동 범위",
    "measure.blink_rate_per_min": "눈 깜빡임",
    "measure.prolonged_closure_rate_per_min": "오래 감은 눈",
    "measure.blink_duration_median_s": "깜빡임 지속 시간(중앙값)",
    "measure.perclos": "눈꺼풀이 감긴 시간(PERCLOS)",
    "unit.eye_widths": "눈 너비",
    "unit.per_min": "분당",
    "unit.s": "초",
    "unit.share": "시간의 비율, 0-1",
    "verdict.once": "각 녹화의 불확실성보다 큰 차이",
    "verdict.repeated": "반복 녹화의 차이보다 큰 변화",
    "verdict.unchanged": "변화가 확인되지 않음",
    "verdict.not_judged": "판정하지 않음",
    "why.no_interval": "조건마다 두 번 이상 녹화하세요",
    "why.not_assessable": "평가할 수 없는 녹화가 있음",
    "why.same_recording": "같은 녹화가 두 번 주어짐",
    "why.other_parameters": "매개변수가 다름",
    "why.other_protocol": "과제가 다름",
    "why.other_camera_height": "카메라 높이가 다름",
    "concern.not_assessable": "{labels}: 평가할 수 없는 녹화가 있습니다({details}). 이 녹화가 "
    "포함된 변화는 판정하지 않습니다. 다시 녹화하세요.",
    "concern.partial": "{labels}: 녹화의 끝부분이 분석되지 않았습니다.",
    "concern.same_recording": "{labels}: 같은 녹화가 두 번 주어졌습니다. 같은 값은 두 번째 "
    "측정이 아닙니다.",
    "concern.other_parameters": "{labels}: 첫 번째 녹화({first})와 다른 깜빡임 매개변수로 "
    "분석되었습니다. 아무것도 판정하지 않습니다. `eye-tracker reanalyze`로 같은 매개변수로 다시 "
    "분석하세요.",
    "concern.other_protocol": "{labels}: 첫 번째 녹화({first})와 다른 과제를 요청했습니다. "
    "시선은 판정하지 않습니다. 같은 과제로 녹화하세요.",
    "concern.other_version": "{labels}: 첫 번째 녹화({first})와 다른 버전의 프로그램으로 "
    "분석되었습니다. 새로 분석되는 트랙 파일(STEM.track.npz)을 비교하세요.",
    "concern.other_rate": "{labels}: 분석된 초당 프레임 수가 첫 번째 녹화({first})와 다릅니다. "
    "프레임 수가 적으면 짧은 깜빡임을 놓칩니다.",
    "concern.other_camera_height": "{labels}: 카메라의 높이가 첫 번째 녹화({first})와 다르며, "
    "그것만으로도 범위가 달라집니다. 시선은 판정하지 않습니다. 눈높이에서 녹화하세요.",
    "sum.changed": "{first} 대비 차이 있음",
    "sum.unchanged": "변화가 확인되지 않음",
    "sum.not_judged": "판정하지 않음",
    "sum.none": "없음",
    "note.once": "구간은 각 녹화 안에서의 변동만 나타냅니다. 같은 사람이 녹화마다, 또는 날마다 "
    "얼마나 달라지는지는 조건마다 한 번의 녹화로는 알 수 없으며, 변화가 그 때문일 수 있습니다. "
    "조건마다 두 번 이상 녹화하여 모두 입력하세요.",
    "note.repeated": "최소 감지 변화량은 같은 조건을 반복 녹화했을 때의 차이에서 "
    "구합니다(자유도 {free}). 녹화한 날들에 대해서만 유효합니다.",
    "note.chance": "변화 {judged}건을 각각 5 % 수준에서 판정했습니다. 아무 변화가 없어도 "
    "우연히 최대 {expected:.2f}건이 변화로 나올 수 있습니다.",
    "note.person": "모든 녹화는 같은 사람의 것이어야 하며, 프로그램은 이를 확인하지 못합니다.",
    "column.condition": "조건",
    "column.value": "값(95 % 구간)",
    "column.picture": "그림",
    "column.change": "{first} 대비 변화(95 % 구간)",
    "column.verdict": "판정",
    "column.recording": "녹화",
    "column.status": "평가",
    "column.seen": "얼굴이 보인 시간",
    "heading.measures": "측정값",
    "heading.concerns": "비교할 때 주의할 점",
    "heading.recordings": "녹화",
    "heading.how": "변화를 판정하는 방법",
    "detectable": "한 번씩 녹화한 두 값 사이의 최소 감지 변화량: {value}",
    "status.suspected": "의심됨",
    "status.not_suspected": "의심되지 않음",
    "status.not_assessable": "평가할 수 없음",
    "to": "~",
    "ratio": "{value}배",
    "repeats": "; 반복 녹화의 차이 최대 {limit}",
    "how": "수직 범위의 변화: 각 녹화의 구간(블록 부트스트랩)에서 구한 차이의 95 % 구간(G. Y. "
    "Zou, A. Donner, Statistics in Medicine 27, 2008). 비율의 변화: 두 비율의 비에 대한 정확한 "
    "95 % 구간(J. Przyborowski, H. Wilenski, Biometrika 31, 1940). 깜빡임이 서로 독립적으로 "
    "일어난다고 가정하므로, 몰아서 일어나는 깜빡임은 실제로 더 크게 변합니다. 한 조건을 두 번 "
    "이상 녹화한 경우에는 변화가 최소 감지 변화량도 넘어야 합니다. 이는 스튜던트 t 분위수에 조건 "
    "내 표준편차와 녹화 수 n, m에 대한 1/n + 1/m의 제곱근을 곱한 값입니다(J. M. Bland, D. G. "
    "Altman, BMJ 312, 1996; H. C. W. de Vet 외, Journal of Clinical Epidemiology 59, 2006). "
    "구간이 없는 측정값은 이것만으로 판정합니다. “변화가 확인되지 않음”은 변화가 없다는 뜻이 "
    "아닙니다.",
}

COMPARISON_TEXTS: dict[Language, dict[str, str]] = {"en": _ENGLISH, "ko": _KOREAN}


def say(language: Language, key: str, **values: Any) -> str:
    """Return a text of a comparison with its values."""
    return COMPARISON_TEXTS[language][key].format(**values)
