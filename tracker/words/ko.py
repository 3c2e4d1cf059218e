"""All texts that a person reads in Korean. `tracker.words.en` has the same keys.

This file is a single table, and so it is longer than others. Search it for a key or for words.
"""

TEXTS: dict[str, str] = {
    # What was found: finding.CODE, or finding.CODE.VARIANT where a code has several texts.
    "finding.no_face": "얼굴을 찾지 못했습니다. 휴대전화를 팔 길이만큼 떨어뜨려 세로로 들고, 얼굴 "
    "전체가 화면에 들어오고 빛이 정면에서 오도록 하십시오.",
    "finding.low_rate": "초당 {rate_hz:.1f}프레임이 분석되었습니다. 최소 {least_hz:.0f}프레임이 "
    "필요합니다. 초당 30프레임으로 촬영하거나 step을 줄이십시오.",
    "finding.low_rate.part": "분석 시간이 초과되어 녹화의 {share:.0%} 동안 초당 "
    "{least_hz:.0f}프레임 미만이 분석되었습니다. 더 짧게, 또는 1280x720으로 촬영하십시오.",
    "finding.too_short": "얼굴이 {seen_s:.1f}초 동안 보였습니다. 최소 {least_s:.0f}초가 "
    "필요합니다. 10초 동안 위를, 10초 동안 아래를 보며 촬영하십시오.",
    "finding.eyes_closed": "눈을 뜨고 있던 시간이 {open_s:.1f}초입니다. 최소 {least_s:.0f}초가 "
    "필요합니다. 눈을 깜빡일 때 외에는 눈을 뜨고 계십시오.",
    "finding.phase_up_missing": "위를 보도록 지시한 동안 눈을 뜬 시간이 {seen_s:.1f}초입니다. 최소 "
    "{least_s:.0f}초가 필요합니다. 과제 전체를 촬영하십시오.",
    "finding.phase_down_missing": "아래를 보도록 지시한 동안 눈을 뜬 시간이 {seen_s:.1f}초입니다. "
    "최소 {least_s:.0f}초가 필요합니다. 과제 전체를 촬영하십시오.",
    "finding.face_lost": "얼굴이 전체 시간의 {seen:.0%} 동안 보였습니다. 최소 {least:.0%}가 "
    "필요합니다. 얼굴 전체가 화면에 들어오게 하십시오.",
    "finding.eyes_too_small": "눈의 너비가 {width_px:.0f}픽셀입니다. 최소 {least_px:.0f}픽셀이 "
    "필요합니다. 카메라에 더 가까이 가십시오.",
    "finding.head_not_measured": "머리의 자세를 측정할 수 없었습니다. 얼굴 전체가 화면에 들어오게 "
    "하고 카메라를 마주 보십시오.",
    "finding.head_turned": "머리가 약 {yaw_deg:.0f}도 돌아가 있습니다. 최대 {most_deg:.0f}도까지 "
    "허용됩니다. 카메라를 마주 보고 눈만 움직이십시오.",
    "finding.head_moved.time": "머리가 많이 움직여 {left_s:.1f}초만 남았습니다. 최소 "
    "{least_s:.0f}초가 필요합니다. 머리는 움직이지 말고 눈만 움직이십시오.",
    "finding.head_moved.nod": "머리를 {nod_deg:.0f}도 끄덕였습니다. 측정된 범위 {range:.3f} 중 "
    "{allowance:.3f}은 머리 움직임만으로도 생길 수 있습니다. 머리는 움직이지 말고 눈만 "
    "움직이십시오.",
    "finding.head_moved": "전체 시간의 {share:.0%} 동안 머리를 돌리거나 끄덕여, 그동안의 시선은 "
    "계산에서 제외했습니다. 머리는 움직이지 말고 눈만 움직이십시오.",
    "finding.camera_angle.above": "카메라가 약 {pitch_deg:.0f}도 위에서 얼굴을 찍고 있습니다. 최대 "
    "{most_deg:.0f}도까지 허용됩니다. 휴대전화를 눈높이로 드십시오.",
    "finding.camera_angle.below": "카메라가 약 {pitch_deg:.0f}도 아래에서 얼굴을 찍고 있습니다. "
    "최대 {most_deg:.0f}도까지 허용됩니다. 휴대전화를 눈높이로 드십시오.",
    "finding.several_faces": "비슷한 크기의 얼굴 두 개가 화면에 있어 누구를 측정할지 분명하지 "
    "않습니다. 한 사람만 촬영하십시오.",
    "finding.gaze_not_measured": "홍채를 측정할 수 없었습니다. 더 밝은 곳에서 촬영하십시오.",
    "finding.picture_not_measured": "영상이 충분히 선명하고 밝은지 측정할 수 없었습니다. 얼굴 "
    "전체가 화면에 들어오게 하여 밝은 곳에서 다시 촬영하십시오.",
    "finding.too_dark_or_noisy.dark": "눈의 명암이 영상 잡음의 {ratio:.1f}배에 불과합니다. "
    "{least:.0f}배가 필요합니다. 얼굴이 어둡습니다. 정면에서 빛이 오는 더 밝은 곳에서 "
    "촬영하십시오.",
    "finding.too_dark_or_noisy.grainy": "눈의 명암이 영상 잡음의 {ratio:.1f}배에 불과합니다. "
    "{least:.0f}배가 필요합니다. 영상이 거칩니다. 더 밝은 곳에서, 디지털 줌 없이 촬영하십시오.",
    "finding.blurred": "눈이 흐립니다(선명도 {sharpness:.2f}, 최소 {least:g} 필요). 렌즈를 닦고, "
    "휴대전화를 팔 길이에서 흔들리지 않게 들고, 얼굴에 초점을 맞추십시오.",
    "finding.overexposed": "얼굴의 {share:.0%}가 완전히 희거나 검습니다. 최대 {most:.0%}까지 "
    "허용됩니다. 직사광선이나 조명이 얼굴이나 얼굴 뒤에 비치지 않게 하십시오.",
    "finding.sampling_gaps": "영상의 {share:.0%} 구간에서 프레임이 부족합니다(가장 긴 공백 "
    "{longest_s:.1f}초). 다른 앱을 닫고 다시 촬영하고, 휴대전화에 저장된 그대로의 영상을 "
    "보내십시오.",
    "finding.protocol_mismatch.elsewhere": "눈이 {range:.3f}만큼 움직였지만, 지시한 때가 "
    "아니었습니다. 프로토콜의 시간을 확인하거나 다시 촬영하십시오.",
    "finding.protocol_mismatch": "아래를 보라고 했을 때보다 위를 보라고 했을 때 눈이 더 아래에 "
    "있었습니다. 프로토콜을 확인하십시오.",
    "finding.looked_aside": "눈이 옆으로 움직였으며, 수직 범위가 그 영향을 받았습니다. 이를 "
    "제외하면 범위는 {range:.3f}입니다. 옆을 보지 않고 똑바로 위와 아래를 보며 다시 촬영하십시오.",
    "finding.eyes_disagree": "두 눈이 함께 움직이지 않습니다. {range:.3f} 중 "
    "{disagreement:.3f}만큼 따로 움직인 것으로 나타납니다. 한쪽 눈의 움직임이 실제로 작을 수도 "
    "있고, 눈꺼풀 떨림이나 어두운 조명, 강한 압축 때문에 그렇게 보일 수도 있습니다. 머리를 "
    "움직이지 말고 밝은 곳에서 다시 촬영하십시오.",
    "finding.strong_compression": "영상이 강하게 압축되어(눈 하나에 프레임당 {bits:.0f}비트) 눈이 "
    "흐려지고 움직여 보입니다. 메신저를 거치지 말고 휴대전화에 저장된 그대로 보내십시오.",
    "finding.baseline_fixed": "눈을 뜬 구간이 너무 짧아 이 사람의 눈을 뜬 상태를 알 수 없었습니다. "
    "고정된 눈 깜빡임 기준을 사용했습니다.",
    "finding.gaze_not_followed": "영상에서는 홍채가 위아래로 눈 너비의 {moved:.2f}만큼 움직이지만 "
    "표식점은 {shown:.3f}만큼만 움직입니다. 안경테가 두꺼울 때처럼 표식점이 홍채를 거의 따라가지 "
    "못하여 범위가 실제보다 작게 측정됩니다. 안경을 벗고 밝은 곳에서 촬영하십시오.",
    "finding.gaze_not_followed.down": "영상에서는 홍채가 아래로 눈 너비의 {moved:.2f}만큼 "
    "움직이지만 표식점은 {shown:.3f}만큼만 움직입니다. 안경테가 두꺼울 때처럼 표식점이 홍채를 거의 "
    "따라가지 못하여 아래쪽 범위가 실제보다 작게 측정됩니다. 안경을 벗고 밝은 곳에서 촬영하십시오.",
    "finding.gaze_not_followed.up": "영상에서는 홍채가 위아래로 눈 너비의 {moved:.2f}만큼 "
    "움직이지만 표식점은 {shown:.3f}만큼만 움직입니다. 안경테가 두꺼울 때처럼 표식점이 홍채를 거의 "
    "따라가지 못하여 위쪽 범위가 실제보다 작게 측정됩니다. 아래쪽 범위에 관한 결과는 그대로 "
    "유효합니다. 안경을 벗고 밝은 곳에서 촬영하십시오.",
    "finding.eyes_held_shut": "한쪽 눈을 {shut_s:.1f}초 동안 감고 있었으며, 그동안의 시선은 "
    "계산에서 제외했습니다. 그때 눈이 어떻게 움직였는지는 알 수 없습니다. 두 눈을 뜨고 있도록 "
    "안내하십시오.",
    "finding.lids_lowered": "{hidden_s:.1f}초 동안 윗눈꺼풀이 홍채를 가렸으며, 그동안의 시선은 "
    "계산에서 제외했습니다. 그때 아래를 보고 있었다면 실제 범위는 측정값보다 큽니다. 휴대전화를 턱 "
    "높이로 더 낮게 들거나 손가락으로 눈꺼풀을 들어 올리십시오.",
    "finding.face_partly_lost": "얼굴이 전체 시간의 {seen:.0%} 동안 보였습니다. 나머지 시간의 눈 "
    "움직임은 범위에 포함되지 않습니다. 얼굴 전체가 화면에 들어오게 하십시오.",
    "finding.blinks_cut": "눈 깜빡임 {blinks}회 중 {cut}회는 얼굴이 보이지 않거나 프레임이 빠진 "
    "구간에서 시작하거나 끝납니다. 한 번을 여러 번으로 세었거나 놓친 깜빡임이 있을 수 있으므로 "
    "횟수와 빈도는 신뢰할 수 없습니다. 얼굴 전체가 화면에 들어오게 하십시오.",
    "finding.other_face": "더 작은 다른 얼굴이 화면에 있습니다. 가장 큰 얼굴을 분석했습니다.",
    "finding.step_raised": "녹화가 길어 때때로 {step}프레임마다가 아니라 "
    "{largest_step}프레임마다 한 프레임만 분석되었고, 짧은 눈 깜빡임을 놓쳤을 수 있습니다. 더 "
    "짧게, 또는 1280x720, 초당 30프레임으로 촬영하십시오.",
    "finding.video_cut_off": "파일을 {read_s:.0f}초 이후로는 읽을 수 없었습니다. 그곳에서 잘렸거나 "
    "손상되었습니다. 휴대전화에서 영상을 다시 복사하십시오.",
    "finding.several_videos": "파일에 영상이 {videos}개 있으며 그중 하나만 분석되었습니다. 올바른 "
    "영상인지 확인하십시오.",
    "finding.slow_motion_suspected": "눈꺼풀이 감기는 속도가 사람에게서 볼 수 없을 만큼 느립니다. "
    "슬로 모션일 수 있으며, 그렇다면 모든 시간과 빈도가 틀립니다. 보통 속도의 원본 영상을 "
    "보내십시오.",
    "finding.out_of_time": "시간 초과로 처음 {analysed_s:.0f}초만 분석되었습니다. 더 짧게, 또는 "
    "1280x720으로 촬영하십시오.",
    "finding.max_frames_reached": "처음 {frames}프레임만 분석되었습니다. 녹화 전체를 분석하려면 "
    "max_frames나 step을 늘리십시오.",
    "finding.video_damaged": "{frames}프레임이 없거나 손상되었습니다. 결과는 나머지에 대한 "
    "것입니다. 휴대전화에서 영상을 다시 복사하십시오.",
    "finding.timestamps_repaired": "영상의 일부 시간 정보가 잘못되어 바로잡았습니다.",
    "finding.timestamps_unusable": "영상의 시간 정보를 쓸 수 없어 모든 시간을 프레임 속도로 "
    "계산했습니다.",
    "finding.borderline": "95% 신뢰구간 {low:.3f} ~ {high:.3f} 안에 기준값({limit:g})이 있어, 이 "
    "녹화만으로는 어느 쪽인지 알 수 없습니다. 위아래를 여러 번 보면서 다시 촬영하십시오.",
    "finding.task_unknown": "범위가 작지만, 대상자에게 위아래를 보도록 지시했는지에 관한 정보가 "
    "없습니다. 지시했다면 이 결과는 PSP 의심 소견에 해당합니다. --task up_down을 붙여 다시 "
    "실행하십시오.",
    "finding.task_unknown.between": "의심 소견이 없다고 할 만큼 범위가 확실히 크지 않고, "
    "대상자에게 위아래를 보도록 지시했는지에 관한 정보가 없습니다. 지시했다면 --task up_down을 "
    "붙여 다시 실행하십시오.",
    "finding.times_unknown": "범위가 작지만, 긴 과제에서 언제 무엇을 지시했는지에 관한 정보가 "
    "없습니다. 그 시각을 모르면 정상적인 범위를 놓칠 수 있습니다. 과제의 프로토콜(--protocol "
    "FILE)을 붙여 다시 실행하십시오.",
    "finding.times_unknown.between": "의심 소견이 없다고 할 만큼 범위가 확실히 크지 않고, 긴 "
    "과제에서 언제 무엇을 지시했는지에 관한 정보가 없습니다. 과제의 프로토콜(--protocol FILE)을 "
    "붙여 다시 실행하십시오.",
    "finding.task_assumed": "대상자에게 무엇을 지시했는지에 관한 정보가 없어, 위아래를 최대한 "
    "보도록 지시한 것으로 가정했습니다.",
    "finding.range_is_lower_bound": "아래를 보는 동안 눈꺼풀이 눈을 가렸습니다. 범위는 {range:.3f} "
    "이상이며, 이것만으로는 판단할 수 없습니다. 휴대전화를 턱 높이로 낮게 들고 다시 "
    "촬영하십시오.",
    "finding.down_not_apart": "처음에 정면을 보는 구간이 없어 위쪽 범위와 아래쪽 범위를 구분할 수 "
    "없습니다. 위쪽 범위가 양호하면 아래쪽 범위의 감소가 가려질 수 있습니다. 카메라를 보는 것으로 "
    "촬영을 시작하거나, 프로토콜에 그 단계(fixate)를 넣으십시오.",
    "finding.up_limited": "눈이 위로 {range:.3f}만 움직였습니다({limit:g} 미만). 위쪽 범위는 "
    "나이가 들면서도 줄어들므로, 판정의 근거로 삼지 않습니다.",
    "finding.head_unsteady": "머리가 평소 방향에서 {spread_deg:.0f}도까지 돌아가거나 "
    "끄덕였습니다(시간의 95%). 머리를 움직이지 말고 눈만 움직이십시오.",
    "finding.gaze_partly_used": "{seen_s:.1f}초 중 {used_s:.1f}초만 시선 계산에 쓰였습니다. 나머지 "
    "시간에는 눈을 감았거나, 머리가 제자리를 벗어났거나, 얼굴이 보이지 않았습니다.",
    # The answer, in a sentence and as a heading.
    "because.suspected.vertical_peak_to_peak": "눈의 수직 범위가 눈 너비의 {value:.3f}(95% "
    "신뢰구간 {low:.3f} ~ {high:.3f})이며 {limit:g}보다 작습니다. PSP 의심 소견입니다.",
    "because.suspected.down_range": "눈이 아래로 움직인 범위가 눈 너비의 {value:.3f}(95% 신뢰구간 "
    "{low:.3f} ~ {high:.3f})이며 {limit:g}보다 작습니다. PSP 의심 소견입니다.",
    "because.asked": "대상자에게 위아래를 최대한 보도록 지시했습니다.",
    "because.assumed": "이는 대상자에게 위아래를 최대한 보도록 지시한 경우에만 해당하며, 그렇게 "
    "지시한 것으로 가정했습니다.",
    "because.borderline.vertical_peak_to_peak": "눈의 수직 범위가 눈 너비의 {value:.3f}이며, "
    "{limit:g}에 너무 가까워 PSP 의심 여부를 판단할 수 없습니다.",
    "because.borderline.down_range": "눈이 아래로 움직인 범위가 눈 너비의 {value:.3f}이며, "
    "{limit:g}에 너무 가까워 PSP 의심 여부를 판단할 수 없습니다.",
    "because.not_suspected.vertical_peak_to_peak": "눈의 수직 범위가 눈 너비의 {value:.3f}(95% "
    "신뢰구간 {low:.3f} ~ {high:.3f})이며 {limit:g} 이상입니다.",
    "because.not_suspected.down_range": "눈이 아래로 움직인 범위가 눈 너비의 {value:.3f}(95% "
    "신뢰구간 {low:.3f} ~ {high:.3f})이며 {limit:g} 이상입니다.",
    "because.not_assessable": "평가할 수 없습니다.",
    "verdict.suspected": "PSP 의심 소견",
    "verdict.borderline": "경계: 이 녹화로는 PSP 의심 여부를 알 수 없음",
    "verdict.not_suspected": "PSP 의심 소견 없음",
    "verdict.not_assessable": "평가할 수 없음",
    "value.not_measurable": "측정 불가",
    # Every page.
    "page.skip": "본문으로 건너뛰기",
    "page.note": "연구용이며, 진단이 아닙니다.",
    "page.no_script": "그래프를 보려면 JavaScript가 필요하지만, 여기서는 꺼져 있습니다.",
    "page.seconds": "{number}초",
    # The report.
    "report.title": "눈 움직임 보고서",
    "report.subtitle": "진행성핵상마비(PSP) 선별 검사. 범위의 단위는 눈 너비(양쪽 눈구석 사이 "
    "거리)이며, 왼쪽과 오른쪽은 대상자 기준입니다.",
    "report.head.participant": "참가자 코드",
    "report.head.visit": "방문",
    "report.head.recorded": "촬영 일시",
    "report.head.analyzed": "분석일",
    "report.head.length": "녹화 길이",
    "report.head.version": "버전",
    "report.not_given": "입력되지 않음",
    "report.unknown": "알 수 없음",
    "report.by_file": "{moment}, 파일에 기록된 시각",
    "report.print": "인쇄",
    "report.print.sheet": "한 장으로 인쇄",
    "report.print.all": "세부 자료까지 인쇄",
    "report.further": "그 밖의 소견:",
    "report.findings": "모든 소견",
    "report.for_patient": "환자에게 전한 안내:",
    "report.range": "눈이 위아래로 움직인 범위",
    "report.down": "눈이 아래로 움직인 범위",
    "report.rate": "눈 깜빡임 빈도",
    "report.rest": "안정 시 눈 깜빡임 빈도",
    "report.range_unit": "눈 너비, 95백분위수 - 5백분위수",
    "report.down_unit": "눈 너비, 정면에서 아래로 95백분위수",
    "report.per_minute": "회/분",
    "report.interval": "95% 신뢰구간 {low} ~ {high}",
    "report.interval_short": "{low} ~ {high}",
    "report.threshold": "기준값 {threshold:g}",
    "report.below": "의심 소견",
    "report.above": "의심 소견 없음",
    "report.range_alt": "수직 범위 {value:.3f} 눈 너비, 95% 신뢰구간 {low:.3f} ~ {high:.3f}, "
    "기준값 {threshold:g}.",
    "report.down_alt": "아래쪽 범위 {value:.3f} 눈 너비, 95% 신뢰구간 {low:.3f} ~ {high:.3f}, "
    "기준값 {threshold:g}.",
    "report.whole_range": "위아래를 합한 범위: 눈 너비의 {value:.3f}. 위쪽 범위가 양호하여 아래쪽 "
    "범위의 감소가 가려지는 일이 없도록, 판정은 아래쪽 범위를 근거로 합니다.",
    "report.range_deg": "각도 추정값: 눈이 {low:.0f}°에서 {high:.0f}° 사이로 움직였습니다.",
    "report.rate_alt": "분당 눈 깜빡임 {value:.1f}회, 95% 신뢰구간 {low:.1f} ~ {high:.1f}. 눈금에 "
    "PSP({psp:g}), 파킨슨병({pd:g}), 건강한 사람({healthy:g})의 문헌 평균(안정 시)이 있습니다.",
    "report.rate_count": "얼굴이 보인 {seconds:.1f}초 동안 {count}회",
    "report.rate_source": "안정 시 문헌 평균(분당): PSP {psp:g}회, 파킨슨병 {pd:g}회(Golbe 외, "
    "Movement Disorders 4, 1989, 297-302), 건강한 사람 {healthy:g}회, 읽을 때 4.5회, 말할 때 "
    "26회(Bentivoglio 외, Movement Disorders 12, 1997, 1028-1034). 지시에 따라 위아래를 보는 "
    "상황은 이 중 어느 것에도 해당하지 않습니다.",
    "report.not_measured": "측정되지 않음",
    "report.quality": "결과의 신뢰도",
    "report.no_result": "측정되었으나 신뢰할 수 없습니다.",
    "report.caution": "유의할 점:",
    "report.status.good": "양호",
    "report.status.caution": "제한적",
    "report.status.bad": "부적합",
    "report.status.unknown": "판정하지 않음",
    "report.indicator.face": "얼굴 인식",
    "report.indicator.face.value": "전체 시간의 {share:.0%}, {seconds:.1f}초 (최소 {least:.0%}, "
    "{least_s:.0f}초)",
    "report.indicator.rate": "프레임 속도",
    "report.indicator.rate.value": "초당 {rate:.1f} (최소 {least:.0f}), 가장 긴 공백 {gap:.2f}초",
    "report.indicator.eye_size": "눈의 크기",
    "report.indicator.eye_size.value": "너비 {width:.1f}픽셀 (최소 {least:.0f})",
    "report.indicator.head": "머리 자세와 움직임",
    "report.indicator.head.value": "회전 {yaw:.0f}° (최대 {most_yaw:.0f}°), 카메라 각도 "
    "{pitch:+.0f}° (최대 ±{most_pitch:.0f}°), 시간의 95% 동안 그 방향에서 ±{spread:.0f}° 이내 "
    "(±{most_spread:.0f}° 이내면 안정)",
    "report.indicator.light": "밝기",
    "report.indicator.light.value": "눈의 명암이 잡음의 {ratio:.0f}배 (최소 {least:.0f}), 완전히 "
    "희거나 검은 부분 {clipped:.0%} (최대 {most:.0%})",
    "report.indicator.sharpness": "선명도",
    "report.indicator.sharpness.value": "{sharpness:.2f} (최소 {least:g})",
    "report.indicator.compression": "압축",
    "report.indicator.compression.value": "눈 하나에 프레임당 {bits:.0f}비트 (최소 {least:.0f})",
    "report.indicator.people": "한 사람만 촬영",
    "report.indicator.people.value": "다음으로 큰 얼굴이 이 얼굴의 {share:.0%} ({most:.0%} 미만)",
    "report.indicator.lids": "눈 뜬 시간",
    "report.indicator.lids.value": "{seen:.1f}초 중 {seconds:.1f}초 동안 시선이 보임",
    "report.indicator.task": "시선",
    "report.indicator.task.value": "두 눈의 차이 {disagreement:.3f} ({most:g}보다 크면 판정할 수 "
    "없을 수 있음)",
    "report.indicator.following": "표식점의 홍채 추적",
    "report.indicator.following.value": "범위 {shown:.3f}, 영상에서는 {moved:.2f} (움직이면 그 "
    "{least:.0%} 이상)",
    "report.indicator.video": "영상의 온전함",
    "report.indicator.video.value": "{frames}프레임 분석, 디코딩된 프레임 {decoded}개, "
    "{failed}프레임 손상",
    "report.contents": "차례",
    "report.traces": "시간에 따른 파형",
    "report.traces_use": "그래프 위를 끌면 확대되고 두 번 클릭하면 축소됩니다. 버튼을 써도 됩니다. "
    "모든 그래프는 같은 시간축을 씁니다.",
    "report.traces_alt": "눈 뜬 정도, 수직 시선, 수평 시선, 얼굴이 보인 시간, 머리 자세를 시간에 "
    "따라 나타낸 그래프. 같은 값이 프레임 표(CSV)에 있습니다.",
    "report.do.all": "전체 보기",
    "report.do.in": "확대",
    "report.do.out": "축소",
    "report.do.earlier": "이전 구간",
    "report.do.later": "다음 구간",
    "report.do.previous": "이전 이벤트",
    "report.do.next": "다음 이벤트",
    "report.legend.left": "왼쪽 눈",
    "report.legend.right": "오른쪽 눈",
    "report.legend.limit": "감음 기준",
    "report.legend.counted": "계산에 쓰인 시선",
    "report.legend.uncounted": "쓰이지 않음",
    "report.legend.yaw": "좌우 회전(yaw)",
    "report.legend.pitch": "끄덕임(pitch)",
    "report.legend.roll": "기울임(roll)",
    "report.legend.blink": "눈 깜빡임",
    "report.legend.prolonged_closure": "긴 눈 감음",
    "report.legend.flutter": "눈꺼풀 떨림",
    "report.legend.wink": "한쪽 눈 감음",
    "report.legend.unseen": "얼굴 없음",
    "report.legend.excluded": "쓸 수 없음으로 표시한 구간",
    "report.ear": "눈 뜬 정도(EAR)",
    "report.vertical_axis": "수직 시선(눈 너비, 위가 -)",
    "report.horizontal_axis": "수평 시선(왼쪽이 +)",
    "report.coverage_axis": "얼굴이 보임",
    "report.coverage": "얼굴이 보임",
    "report.pose_axis": "머리 자세(도)",
    "report.time_axis": "시간(초)",
    "report.offset_axis": "눈 너비(+가 아래)",
    "report.primary": "정면",
    "report.p5": "P5 (위)",
    "report.p95": "P95 (아래)",
    "report.count": "횟수",
    "report.seconds": "초",
    "report.at_least": "최소 {value}",
    "report.yes": "예",
    "report.no": "아니요",
    "report.events": "눈 깜빡임과 눈 감음",
    "report.event_counts": "눈 깜빡임: {blinks}회, 그중 불완전: {incomplete}회. 긴 눈 감음: "
    "{prolonged}회. 한쪽 눈 감음: {winks}회. 눈꺼풀 떨림: {flutters}회.",
    "report.event_use": "감은 시간이 {longest:g}초를 프레임 간격의 절반 이상 넘으면 긴 눈 "
    "감음입니다. 지속 시간에는 눈꺼풀이 움직이는 시간도 포함됩니다. 행을 선택하면 해당 파형과 "
    "사진이 나타납니다.",
    "report.no_events": "눈 깜빡임, 긴 눈 감음, 눈꺼풀 떨림, 한쪽 눈 감음이 없었습니다.",
    "report.event.number": "번호",
    "report.event.kind": "종류",
    "report.event.onset": "시작(초)",
    "report.event.duration": "지속(초)",
    "report.event.closed": "감은 시간(초)",
    "report.event.amplitude": "감긴 정도",
    "report.event.left_right": "왼쪽 / 오른쪽",
    "report.event.frames": "프레임",
    "report.event.note": "비고",
    "report.event_name": "{kind} {number}, {onset:.2f} ~ {offset:.2f}초",
    "report.kind.blink": "눈 깜빡임",
    "report.kind.prolonged_closure": "긴 눈 감음",
    "report.kind.flutter": "눈꺼풀 떨림",
    "report.kind.wink_left": "왼쪽 눈 감음",
    "report.kind.wink_right": "오른쪽 눈 감음",
    "report.onset_unseen": "시작이 보이지 않음",
    "report.offset_unseen": "끝이 보이지 않음",
    "report.complete": "완전",
    "report.incomplete": "불완전",
    "report.pictures": "깜빡임별 눈 사진",
    "report.pictures_use": "영상에서와 같이 대상자의 오른쪽 눈이 왼쪽에 있습니다. 각 사진은 양쪽 "
    "눈구석에 맞추어 회전하고 크기를 조정한 것입니다.",
    "report.pictures_need_video": "눈 사진에는 영상이 필요하지만, 이 보고서는 영상 없이 "
    "만들어졌습니다. 사진이 필요하면 영상을 다시 분석하십시오.",
    "report.pictures_left_out": "파일이 커지지 않도록 마지막 이벤트 {count}개의 사진은 "
    "생략했습니다.",
    "report.frames_left_out": "이 이벤트들의 사진 {count}장은 파일이 커지지 않도록 생략했거나 얻을 "
    "수 없었습니다.",
    "report.no_picture": "사진 없음: 눈이 보이지 않았습니다.",
    "report.picture_alt": "{time:.3f}초의 눈: {what}",
    "report.frame": "프레임 {frame}",
    "report.role.onset": "시작",
    "report.role.closing": "감는 중",
    "report.role.peak": "최대",
    "report.role.opening": "뜨는 중",
    "report.role.offset": "끝",
    "report.extremes": "범위 양 끝의 눈 사진",
    "report.extremes_use": "범위는 이 두 위치 사이입니다. 사진은 그 위치에 가장 가까운 프레임이며, "
    "각 프레임의 위치를 함께 적었습니다(눈 너비, 아래가 +).",
    "report.end.up": "위: 5백분위수",
    "report.end.up.short": "위",
    "report.end.ahead": "정면: 일차 안위",
    "report.end.ahead.short": "정면",
    "report.end.down": "아래: 95백분위수",
    "report.end.down.short": "아래",
    "report.phases": "대상자에게 지시한 과제",
    "report.no_protocol.up_down": "대상자에게 위아래를 최대한 보도록 지시했으나, 프로토콜이 없어 "
    "그 시각은 알 수 없습니다.",
    "report.no_protocol.extended": "대상자에게 긴 과제를 지시했으나, 프로토콜이 없어 언제 무엇을 "
    "지시했는지는 알 수 없습니다.",
    "report.no_protocol.assumed": "대상자에게 무엇을 지시했는지에 관한 정보가 없어, 위아래를 "
    "최대한 보도록 지시한 것으로 가정했습니다.",
    "report.no_protocol.unknown": "대상자에게 무엇을 지시했는지에 관한 정보가 없습니다.",
    "report.phase.phase": "지시",
    "report.phase.time": "시간",
    "report.phase.gaze_time": "시선이 보인 시간",
    "report.phase.reached": "도달(눈 너비)",
    "report.phase.held": "유지(눈 너비)",
    "report.phase.held_offset": "유지한 위치(눈 너비)",
    "report.phase.latency": "잠복기",
    "report.saccades": "시선 이동별 값",
    "report.saccades_use": "두 눈의 평균이며, 괄호 안은 95% 신뢰구간입니다. "
    "단속운동 표에는 눈마다의 값도 있습니다. 비고가 있는 이동은 위의 대표값에 쓰이지 않습니다. "
    "속도는 실제보다 작게 나오며, 괄호 안은 실제 속도의 하한과 상한입니다.",
    "report.saccade.number": "번호",
    "report.saccade.time": "시각(초)",
    "report.saccade.phase": "지시",
    "report.saccade.direction": "방향",
    "report.saccade.latency": "잠복기(ms)",
    "report.saccade.amplitude": "진폭(눈 너비)",
    "report.saccade.rise": "10-90% 시간(ms)",
    "report.saccade.velocity": "최고 속도, 추정값(초당 도)",
    "report.saccade.note": "비고",
    "report.step.not_found": "그쪽으로 잡음보다 두드러진 이동이 없음",
    "report.step.hidden": "눈을 감았거나 얼굴 또는 프레임이 없어 가려짐",
    "report.step.crowded": "다른 이동과 너무 가까움",
    "report.step.not_single": "한 번의 이동과 모양이 다름",
    "report.step.unsteady": "이 녹화에서는 표식점이 지나치거나 흔들림",
    "report.step.not_followed": "표식점이 눈의 위아래 움직임을 거의 따라가지 못함",
    "report.step.small": "다른 이동에 비해 너무 작음",
    "report.step.oblique": "다른 방향으로 더 크게 움직임",
    "report.step.enough": "앞에서 이미 충분히 측정됨",
    "report.step.no_noise": "녹화에서 잡음의 크기를 알 수 없음",
    "report.phase_name.up": "위",
    "report.phase_name.down": "아래",
    "report.phase_name.left": "왼쪽",
    "report.phase_name.right": "오른쪽",
    "report.phase_name.fixate": "카메라 주시",
    "report.phase_name.rest": "휴식",
    "report.latency.unseen_before": "직전에 시선이 보이지 않음",
    "report.latency.unmoved": "움직이지 않음",
    "report.latency.hidden": "움직이는 동안 가려짐",
    "report.latency.no_direction": "방향을 지시하지 않음",
    "report.latency.not_followed": "표식점이 눈을 거의 따라가지 못함",
    "report.movements": "눈과 눈꺼풀의 움직임",
    "report.movements_not_validated": "환자에서 검증되지 않았습니다.",
    "report.movements_use": "이 측정값들은 판정에 쓰이지 않습니다. 표시등은 이 녹화에서 측정값을 "
    "얼마나 잘 얻었는지를 뜻하며, 정상 여부를 뜻하지 않습니다.",
    "report.movement.good": "측정됨",
    "report.movement.caution": "제한적",
    "report.movement.bad": "신뢰할 수 없음: 녹화 품질이 부적합함",
    "report.movement.unknown": "측정되지 않음",
    "report.movement.all": "녹화 전체",
    "report.movement.phases": "측정한 단계: {phases}.",
    "report.movement.jerks": "이 녹화에서는 {visible:.1f}도(추정) 이상의 방형파 움직임이 거의 모두 "
    "보입니다. 더 작은 것도 일부 세며, 그중 일부는 잡음입니다. 문헌 평균: 분당 PSP 33.5, "
    "파킨슨병 10.3, 건강한 사람 4.3.",
    "report.movement.jerks_not_comparable": "문헌의 값은 0.5도부터 센 것이므로 이 값과 비교할 수 "
    "없습니다.",
    "report.movement.area": "표식점의 잡음도 포함됩니다.",
    "report.movement.velocity": "초당 {rate:.0f}프레임에서 측정했습니다. 신뢰구간은 프레임의 노출 "
    "시간에 따른 불확실성을 포함하지만, 표식점이 눈꺼풀을 따라가는 정도는 반영하지 않습니다. 합성 "
    "얼굴 영상에서 표식점은 실제 속도의 0.5 ~ 2.1배를 보였습니다. 같은 사람의 녹화끼리만 "
    "비교하십시오.",
    "report.movement.rest": "안정 시 문헌 평균: PSP {psp:g}, 파킨슨병 {pd:g}, 건강한 사람 "
    "{healthy:g}.",
    "report.movement.rest_alt": "안정 시 분당 눈 깜빡임 {value:.1f}회, 95% 신뢰구간 {low:.1f} ~ "
    "{high:.1f}. 눈금에 PSP({psp:g}), 파킨슨병({pd:g}), 건강한 사람({healthy:g})의 문헌 평균이 "
    "있습니다.",
    "report.movement.mean.psp": "PSP {rate:g}회",
    "report.movement.mean.pd": "파킨슨병 {rate:g}회",
    "report.movement.mean.healthy": "건강인 {rate:g}회",
    "report.movement.told_apart.0": "{seconds:.0f}초는 이 평균들 가운데 어느 둘도 구별하기에 너무 "
    "짧습니다.",
    "report.movement.told_apart.1": "{seconds:.0f}초는 PSP와 건강한 사람을 구별하기에 충분하지만, "
    "파킨슨병을 어느 쪽과도 구별하기에는 너무 짧습니다.",
    "report.movement.told_apart.2": "{seconds:.0f}초는 PSP를 나머지 둘과 구별하기에 충분하지만, "
    "파킨슨병과 건강한 사람을 구별하기에는 너무 짧습니다.",
    "report.movement.told_apart.3": "{seconds:.0f}초는 이 평균들을 모두 구별하기에 충분합니다.",
    "report.missing.reason": "측정되지 않음: {reason}",
    "report.group.fixation": "주시(환자에서 검증되지 않음)",
    "report.group.lids": "눈꺼풀 움직임(환자에서 검증되지 않음)",
    "report.distributions": "분포",
    "report.plot.vertical": "수직 시선 위치",
    "report.plot.duration": "눈 깜빡임의 지속 시간",
    "report.plot.interval": "눈 깜빡임 사이의 시간",
    "report.numbers": "모든 수치",
    "report.numbers_open": "요약의 모든 수치",
    "report.group.gaze": "시선",
    "report.group.saccades": "단속운동",
    "report.group.blinks": "눈 깜빡임",
    "report.group.quality": "품질",
    "report.provenance": "녹화, 매개변수, 버전",
    "report.source": "파일",
    "report.sha256": "영상의 SHA-256",
    "report.no_sha256": "계산하지 않음",
    "report.version": "parkinson-eye-tracking 버전",
    "report.sources": "정의와 출처",
    "report.limits": "한계",
    # Why a number of the report is missing.
    "report.missing.no_face": "측정되지 않음: 얼굴이 보이지 않았습니다",
    "report.missing.one_frame": "측정되지 않음: 프레임이 두 개 미만입니다",
    "report.missing.rate_time": "측정되지 않음: 얼굴이 보인 시간이 {least:g}초 미만입니다",
    "report.missing.no_blink": "없음: 눈 깜빡임이 없었습니다",
    "report.missing.one_blink": "없음: 눈 깜빡임이 두 번 미만입니다",
    "report.missing.no_whole_blink": "측정되지 않음: 처음부터 끝까지 보인 눈 깜빡임이 없습니다",
    "report.missing.cut_interval": "측정되지 않음: 눈 깜빡임 사이에 얼굴이 보이지 않았습니다",
    "report.missing.no_gaze": "측정되지 않음: 머리가 제자리에 있고 눈을 뜬 프레임이 없습니다",
    "report.missing.no_primary": "측정되지 않음: 일차 안위를 정하는 구간에서 정면을 {least:g}초 "
    "이상 보지 않았습니다",
    "report.missing.not_ahead": "측정되지 않음: 눈이 정면을 본 시간이 {least:g}초 미만입니다",
    "report.missing.not_aside": "측정되지 않음: 옆으로 움직인 크기가 잡음을 넘지 않습니다",
    "report.missing.no_direction": "방향을 지시하지 않음",
    "report.missing.saccade_frame_rate": "측정되지 않음: 초당 {least:.0f}프레임 이상이 필요합니다",
    "report.missing.saccade_no_gaze": "측정되지 않음: 머리가 제자리에 있고 눈을 뜬 프레임이 "
    "없습니다",
    "report.missing.saccade_no_steps": "없음: 잡음보다 두드러진 시선 이동이 없습니다",
    "report.missing.saccade_too_few_steps": "측정되지 않음: 시선 이동이 너무 적습니다",
    "report.missing.saccade_hidden": "측정되지 않음: 눈 깜빡임, 눈꺼풀 또는 놓친 얼굴 때문에 "
    "가려진 시선 이동이 너무 많습니다",
    "report.missing.saccade_crowded": "측정되지 않음: 너무 빨리 이어지는 시선 이동이 너무 많습니다",
    "report.missing.saccade_not_single": "측정되지 않음: 한 번의 이동과 모양이 다른 시선 이동이 "
    "너무 많습니다",
    "report.missing.saccade_unsteady": "측정되지 않음: 시선이 이동한 뒤 표식점이 지나치거나 "
    "흔들립니다",
    "report.missing.saccade_not_followed": "측정되지 않음: 안경테가 두꺼울 때처럼, 영상에서는 "
    "홍채가 표식점보다 위아래로 훨씬 크게 움직입니다",
    "report.missing.saccade_imprecise": "측정되지 않음: 신뢰구간이 너무 넓어 의미가 없습니다",
    "report.missing.saccade_no_protocol": "측정되지 않음: 그쪽을 보라고 지시한 시각을 알려 주는 "
    "프로토콜이 없습니다",
    "report.missing.vague_angle": "표시하지 않음: 하한과 상한의 차이가 값 자체보다 큽니다",
    "report.missing.not_declared": "알 수 없음: 영상에 정보가 없습니다",
    "report.missing.too_little": "측정되지 않음: 보인 것이 너무 적습니다",
    # How the report's numbers are defined, by whom, and their limits.
    "report.definition.ear.term": "눈 뜬 정도, EAR",
    "report.definition.ear": "눈 종횡비 (|p2-p6| + |p3-p5|) / (2 |p1-p4|). 눈꺼풀의 여섯 점으로 "
    "픽셀 단위에서 계산하며, 0이면 감은 눈입니다. T. Soukupová, J. Čech, Real-Time Eye Blink "
    "Detection using Facial Landmarks, CVWW 2016.",
    "report.definition.gaze.term": "시선 위치",
    "report.definition.gaze": "홍채의 중심에서 양쪽 눈구석의 중점을 뺀 것을, 두 눈구석을 잇는 선을 "
    "따라, 또 그에 수직으로 재어 그 거리(눈 너비)로 나눈 값이며, 두 눈의 평균입니다. 아래와 "
    "대상자의 왼쪽이 양수입니다. 수직 위치는 얼굴이 화면에 잡힌 방식에 따른 차이를 보정합니다.",
    "report.definition.range.term": "수직 범위",
    "report.definition.range": "얼굴이 보이고 머리가 제자리에 있으며 눈 감음에서 0.1초 이상 떨어진 "
    "프레임에서, 프로토콜이 있으면 위와 아래 단계 안에서, 수직 위치의 95백분위수에서 5백분위수를 "
    "뺀 값입니다.",
    "report.definition.interval.term": "95% 신뢰구간",
    "report.definition.interval": "범위: 블록 부트스트랩(H. R. Künsch, The Annals of Statistics "
    "17, 1989)을 블록이 적고 서로 상관된 만큼, 위아래를 본 횟수가 적은 만큼 넓히고, 표식점이 "
    "시선을 따라가는 정도의 불확실성을 더했으며, 아래쪽으로는 잡음만큼 더 넓혔습니다. 빈도: "
    "푸아송 횟수의 정확 구간(F. Garwood, Biometrika 28, 1936).",
    "report.definition.degrees.term": "각도",
    "report.definition.degrees": "너비 11.7 mm의 홍채와 그 10 mm 뒤를 중심으로 도는 눈을 가정한 "
    "추정값입니다. 표식점은 수직 시선을 일부만 따라갑니다. 하한과 상한은 그 비율을 0.41에서 "
    "전부까지로 봅니다.",
    "report.definition.blink.term": "눈 깜빡임과 눈 감음",
    "report.definition.blink": "두 눈의 눈꺼풀이 그 무렵의 뜬 상태에서 빠르게 내려갔다가 돌아오는 "
    "것입니다. EAR이 대상자에 맞춘 {threshold:g}(뜬 눈의 {share:.0%})까지의 절반 아래로 내려가고, "
    "깊이가 뜬 눈꺼풀의 변동의 8배 이상이어야 합니다. 0.5초 넘게 감으면 긴 눈 감음이며 눈 "
    "깜빡임으로 세지 않습니다. 짧은 간격으로 네 번 이상 내려가면 눈꺼풀 떨림, 한쪽 눈을 0.3초 이상 "
    "감으면 한쪽 눈 감음입니다. 시선을 따라 내려가 머무는 눈꺼풀은 눈 감음이 아닙니다. 얼굴이 "
    "보이지 않으면 거기서 끝난 것으로 봅니다.",
    "report.definition.rate.term": "눈 깜빡임 빈도",
    "report.definition.rate": "얼굴이 보인 시간에 대한 눈 깜빡임 횟수입니다.",
    "report.definition.pose.term": "머리 자세",
    "report.definition.pose": "평균 얼굴을 강체로 맞춘 회전과 끄덕임입니다(D. F. DeMenthon, L. S. "
    "Davis, Model-Based Object Pose in 25 Lines of Code, IJCV 15, 1995). {yaw:g}° 넘게 돌아가거나 "
    "중앙값에서 10° 넘게 끄덕인 프레임은 시선 계산에 쓰지 않습니다.",
    "report.definition.picture.term": "영상의 잡음",
    "report.definition.picture": "J. Immerkær, Fast Noise Variance Estimation, Computer Vision and "
    "Image Understanding 64, 1996.",
    "report.definition.saccade.term": "단속운동",
    "report.definition.saccade": "초당 {least:g}프레임부터, 빠른 시선 이동마다 정해진 모양의 "
    "이동을 맞춥니다. 프레임의 노출 시간과 녹화 자체의 잡음을 고려합니다. 값은 단속운동 {steps}개 "
    "이상(방향별로는 3개 이상)의 대푯값입니다. 10-90% 시간은 표식점이 눈을 얼마나 따라가는지와 "
    "무관하지만, 진폭과 속도는 실제보다 작게 나옵니다. 환자에서 검증되지 않았으며 판정에 쓰이지 "
    "않습니다.",
    "report.definition.assessment.term": "평가",
    "report.definition.assessment": "대상자에게 위아래를 보라고 지시했고, 수직 범위의 95% 신뢰구간 "
    "전체가 {threshold:g}보다 작으며, 판정을 막는 것이 없으면 PSP 의심 소견입니다. 구간 전체가 "
    "기준값 이상이면 의심 소견이 없는 것이고, 그 밖에는 경계입니다. 프로토콜이 아래를 볼 때를 알려 "
    "주면, 아래쪽 범위와 그 기준값의 절반을 대신 씁니다. 보이지 않은 것은 범위를 키울 수만 "
    "있으므로, 기준값보다 작으면서 보이지 않은 것이 너무 많으면 평가할 수 없습니다.",
    "report.limit.task": "위아래를 보라는 지시를 받지 않았거나 따르지 않으면, 주시마비가 있는 "
    "것처럼 측정됩니다.",
    "report.limit.degrees": "표식점은 수직 시선을 일부만 따라갑니다. 따라서 범위는 서로 비교하거나 "
    "기준값과 비교할 수 있지만, 각도는 실제보다 작습니다.",
    "report.limit.blink_end": "눈 깜빡임은 눈꺼풀이 움직이기 시작할 때부터 멈출 때까지입니다. "
    "사람이 직접 표시한 것과 비교하면 끝은 같고 시작은 0.05초 빠릅니다.",
    "report.limit.lids": "아래를 최대한 보면 눈꺼풀이 홍채를 가릴 수 있습니다. 그런 프레임은 시선 "
    "계산에서 제외하며, 눈 감음으로 세지 않습니다.",
    "report.limit.spectacles": "안경테가 두꺼우면 범위가 실제보다 작게 측정되고, 아래쪽 범위는 10% "
    "이내의 정확도로 알 수 없습니다. 그 때문에 주시마비처럼 보일 수 있는 녹화는 대부분 걸러내어 "
    "판정하지 않지만, 모두 걸러내지는 못합니다. 안경을 벗고 촬영하십시오.",
    "report.limit.mirror": "좌우가 뒤집힌 영상에서는 왼쪽과 오른쪽이 바뀝니다.",
    "report.limit.not_validated": "모든 기준값은 아직 환자를 대상으로 검증되지 않았습니다.",
    # Corrections in the report.
    "report.corrections": "수정",
    "report.head.corrected": "사람이 수정함",
    "report.head.corrected_by": "{by}, {day} (UTC), 수정 {count}건",
    "report.correct.mark": "사람이 수정함: {by}, {at} UTC. 수정 {count}건. 눈 깜빡임 수정 전 "
    "{before}회, 수정 후 {after}회. 이 보고서의 모든 값은 수정된 이벤트에서 계산한 것입니다.",
    "report.correct.mark_why": "이유: {why}",
    "report.correct.mark_link": "수정 내용 보기",
    "report.correct.kept": "모든 이벤트를 살펴보았고, 검출된 그대로 두었습니다.",
    "report.correct.before": "검출",
    "report.correct.after": "수정",
    "report.correct.what": "수정 내용",
    "report.correct.added": "추가",
    "report.correct.removed": "삭제",
    "report.correct.changed": "변경",
    "report.correct.unseen": "얼굴이 보이지 않아 세지 않았습니다.",
    "report.correct.unusable": "쓸 수 없음",
    "report.correct.primary": "정면",
    "report.correct.event": "{kind}, {start} ~ {end}초",
    "report.correct.between": "{start} ~ {end}초",
    "report.correct.open": "이벤트 수정하기",
    "report.correct.use": "빠졌거나 잘못된 이벤트, 쓸 수 없는 구간이 있습니까? 이벤트를 클릭하여 "
    "고르고, 이벤트나 그 양 끝을 끌어 옮기십시오. 빈 곳을 끌면 구간이 선택됩니다. 그런 다음 버튼을 "
    "누르십시오. 저장한 수정 내용을 적용할 때까지(아래 참조) 이 보고서의 값은 바뀌지 않습니다.",
    "report.correct.removed_means": "눈을 뜨고 있었던 때에만 이벤트를 삭제하십시오. 눈이 보이지 "
    "않으면 그 구간을 쓸 수 없음으로 표시하십시오. 그러면 얼굴이 보이지 않은 시간처럼 처리됩니다.",
    "report.correct.keys": "키: 왼쪽·오른쪽 화살표는 커서를 한 프레임 옮깁니다(Shift와 함께 누르면 "
    "구간을 선택하고, Alt와 함께 누르면 고른 이벤트를 옮깁니다). N과 P는 다음·이전 이벤트 고르기, "
    "A는 추가, Delete는 삭제, S는 나누기, M은 합치기, U는 쓸 수 없음, G는 정면 표시, +와 -는 "
    "확대·축소, Ctrl+Z는 실행 취소, Ctrl+Y는 다시 실행입니다.",
    "report.correct.timeline": "시간에 따른 두 눈의 뜬 정도와 수정할 이벤트",
    "report.correct.do.add": "눈 깜빡임 추가",
    "report.correct.do.remove": "삭제",
    "report.correct.do.split": "나누기",
    "report.correct.do.merge": "다음 이벤트와 합치기",
    "report.correct.do.unusable": "쓸 수 없음",
    "report.correct.do.primary": "정면을 보는 구간",
    "report.correct.do.undo": "실행 취소",
    "report.correct.do.redo": "다시 실행",
    "report.correct.do.previous": "이전 이벤트",
    "report.correct.do.next": "다음 이벤트",
    "report.correct.do.in": "확대",
    "report.correct.do.out": "축소",
    "report.correct.do.earlier": "이전 구간",
    "report.correct.do.later": "다음 구간",
    "report.correct.start": "시작(초)",
    "report.correct.end": "끝(초)",
    "report.correct.kind": "종류",
    "report.correct.list": "수정한 내용",
    "report.correct.no_changes": "아직 없습니다.",
    "report.correct.by": "수정한 사람의 이니셜",
    "report.correct.why": "이유(선택)",
    "report.correct.save": "수정 내용 저장",
    "report.correct.afterwards": "저장한 파일은 녹화의 트랙 파일과 같은 폴더에 두십시오. 다음 "
    "명령을 실행하면 그 파일을 적용하여 모든 값과 보고서를 다시 만듭니다.",
    "report.correct.lane.said": "수정",
    "report.correct.lane.detected": "검출",
    "report.correct.done": "{what}: {start} ~ {end}초.",
    "report.correct.undone": "취소했습니다.",
    "report.correct.redone": "다시 실행했습니다.",
    "report.correct.saved": "{file} 파일로 저장했습니다.",
    "report.correct.unsaved": "아직 저장하지 않았습니다.",
    "report.correct.stretch_first": "먼저 구간을 선택하십시오. 그래프 위를 끌거나, Shift를 누른 "
    "채 왼쪽·오른쪽 화살표를 누르십시오.",
    "report.correct.choose_first": "먼저 이벤트를 고르십시오.",
    "report.correct.no_room": "그 자리에 이미 이벤트가 있습니다.",
    "report.correct.no_next": "합칠 다음 이벤트가 없습니다.",
    "report.correct.too_short": "너무 짧습니다. 한 프레임 이상이어야 합니다.",
    "report.correct.too_short_primary": "너무 짧습니다. 0.3초 이상이어야 합니다.",
    "report.correct.no_initials": "이니셜을 입력하십시오. 글자로 시작하고 20자 이하여야 합니다.",
    # What the command line prints of a recording.
    "terminal.because": "  이유        {reason}",
    "terminal.vertical": "  수직 범위   눈 너비의 {value}{interval}, 기준값 {limit}",
    "terminal.down": "  아래쪽 범위 눈 너비의 {value}{interval}, 기준값 {limit}",
    "terminal.corrected": "  수정        {by}, {count}건; 수정 전 눈 깜빡임 {blinks}회",
    "terminal.blinks": "  눈 깜빡임   {count}회, 분당 {rate}회{interval}, 긴 눈 감음 {prolonged}회",
    "terminal.recording": "  녹화        {seconds:.1f}초 중 얼굴이 보인 시간 {seen:.1f}초, 초당 "
    "{fps}프레임 영상에서 {frames}프레임 분석",
    "terminal.caution": "  유의할 점   {caution}",
    "terminal.written": "  저장한 파일 {files}",
    "terminal.interval": " (95% 신뢰구간 {low} ~ {high})",
    # The page of a cohort.
    "cohort.corrected": "{by} 수정",
    "cohort.corrected_count": "수정 {count}건. 눈 깜빡임 수정 전 {before}회, 수정 후 {after}회.",
    "cohort.title": "코호트 보고서",
    "cohort.recordings": "녹화 {count}건, 수직 범위의 기준값은 눈 너비의 {threshold:g}",
    "cohort.recordings_alone": "녹화 {count}건",
    "cohort.show": "표에 표시",
    "cohort.all": "전체",
    "cohort.status.suspected": "PSP 의심 소견",
    "cohort.status.borderline": "경계",
    "cohort.status.not_suspected": "PSP 의심 소견 없음",
    "cohort.status.not_assessable": "평가할 수 없음",
    "cohort.status.failed": "실패",
    "cohort.explain.suspected": "범위가 확실히 기준값보다 작음",
    "cohort.explain.borderline": "기준값에 너무 가까워 알 수 없음",
    "cohort.explain.not_suspected": "범위가 확실히 기준값 이상임",
    "cohort.explain.not_assessable": "측정했으나 신뢰할 수 없음",
    "cohort.explain.failed": "결과 없음",
    "cohort.shown": "녹화 {count}건 중 {shown}건 표시",
    "cohort.failures": "실패",
    "cohort.failures_use": "원인을 해결한 뒤 같은 명령을 다시 실행하십시오. 이 녹화들만 "
    "분석됩니다.",
    "cohort.column.file": "녹화",
    "cohort.column.status": "평가",
    "cohort.column.reasons": "이유, 주의 사항",
    "cohort.column.vertical": "수직 범위(눈 너비)",
    "cohort.column.blinks": "분당 깜빡임",
    "cohort.column.prolonged": "긴 눈 감음",
    "cohort.column.seen": "얼굴이 보인 시간(초)",
    "cohort.column.eye": "눈 너비(픽셀)",
    "cohort.column.outlier": "이상값",
    "cohort.column.participant": "참가자",
    "cohort.column.group": "군",
    "cohort.column.visit": "방문",
    "cohort.groups": "군별 요약",
    "cohort.groups_use": "평가할 수 있는 녹화가 있는 참가자의 중앙값과 사분위수입니다. 녹화가 여러 "
    "건인 참가자는 그 평균으로 한 번만 셉니다. 군 간 차이는 검정하지 않습니다.",
    "cohort.group.none": "군 정보 없음",
    "cohort.group.people": "참가자",
    "cohort.group.recordings": "녹화",
    "cohort.group.of_people": "참가자 {count}명",
    "cohort.visits": "방문별 변화",
    "cohort.visits_use": "각 참가자에서 결과가 있는 첫 방문 이후의 변화이며, “eye-tracker "
    "compare”와 같은 방법으로 판정합니다. 판정한 변화 20개 중 약 1개는 우연히 나타납니다.",
    "cohort.visits_by_name": "이름순: 날짜가 없거나 날짜가 같은 방문이 있습니다. 첫 행이 가장 이른 "
    "방문인지 확인하십시오.",
    "cohort.search": "검색 중 확인된 사항",
    "cohort.same_content": "이름만 다른 동일한 영상이며, 각각 따로 세었습니다: {names}.",
    "cohort.table": "녹화 목록",
    "cohort.table_use": "열 제목을 누르면 그 열로 정렬됩니다. 값 아래는 95% 구간, 이유 아래는 주의 "
    "사항입니다. 기울임꼴 값은 신뢰할 수 없습니다. 녹화 이름을 누르면 보고서가 열립니다.",
    "cohort.distributions": "분포",
    "cohort.distributions_use": "표시 하나가 녹화 하나입니다. 누르면 표에서 찾을 수 있고, 같은 "
    "값이 표에 있습니다. 실패한 녹화는 값이 없습니다.",
    "cohort.plot.vertical": "수직 범위(눈 너비)",
    "cohort.plot.blinks": "분당 눈 깜빡임",
    "cohort.plot.quality": "품질",
    "cohort.plot.threshold": "기준값",
    "cohort.plot.needed": "필요한 값",
    "cohort.plot_alt": "{name}: 녹화 {count}건, 중앙값 {median}, 범위 {low} ~ {high}.",
    "cohort.quality.face_coverage": "얼굴이 보인 비율",
    "cohort.quality.canthal_distance_px": "눈 너비(픽셀)",
    "cohort.quality.sharpness": "선명도",
    "cohort.quality.contrast_over_noise": "잡음에 대한 눈의 명암비",
    "cohort.outliers": "이상값",
    "cohort.outlier_rule": "코호트의 중앙값에서 척도화한 중앙값 절대 편차(MAD / 0.6745)의 "
    "{limit:g}배를 넘게 벗어난 값을 이상값으로 표시합니다(B. Iglewicz, D. C. Hoaglin, How to "
    "Detect and Handle Outliers, 1993). 값이 있는 녹화가 {least}건 이상일 때만 판단하며, 수직 "
    "범위는 평가할 수 있는 녹화만 봅니다. 이상값은 다른 녹화와 다르다는 뜻일 뿐, 측정 오류나 "
    "질환을 뜻하지 않습니다.",
    "cohort.outlier.none": "없습니다.",
    "cohort.outlier.too_few": "값이 있는 녹화가 {least}건보다 적어 판단하지 않음: {names}.",
    "cohort.outlier.alike": "대부분의 녹화가 같은 값이어서 판단하지 않음: {names}.",
    "cohort.outlier.value": "{name} {value}: 예상 범위 {low} ~ {high}",
    "cohort.measure.vertical_peak_to_peak": "수직 범위",
    "cohort.measure.blink_rate_per_min": "분당 눈 깜빡임",
    "cohort.measure.blink_duration_median_s": "눈 깜빡임 지속 시간(초)",
    "cohort.measure.perclos": "눈을 감은 시간의 비율(PERCLOS)",
    "cohort.measure.quality_canthal_distance_px": "눈 너비(픽셀)",
    "cohort.measure.quality_sharpness": "선명도",
    "cohort.measure.quality_contrast_over_noise": "잡음에 대한 눈의 명암비",
    "cohort.files": "모든 녹화의 모든 값: {files}.",
    "cohort.failure.not_found": "파일이 없거나 읽을 수 없습니다.",
    "cohort.failure.not_found.remedy": "파일의 위치와 읽기 권한을 확인하십시오.",
    "cohort.failure.undecodable": "영상이 아니거나 영상을 디코딩할 수 없습니다.",
    "cohort.failure.undecodable.remedy": "휴대전화에서 다시 복사하거나 MP4(H.264)로 내보내십시오.",
    "cohort.failure.changed": "분석하는 동안 파일이 변경되었습니다.",
    "cohort.failure.changed.remedy": "복사가 끝날 때까지 기다리십시오.",
    "cohort.failure.process_died": "분석하던 프로세스가 종료되었습니다.",
    "cohort.failure.process_died.remedy": "메모리가 부족했을 수 있으니 --workers를 줄이십시오. "
    "그렇지 않으면 영상을 MP4(H.264)로 내보내십시오.",
    "cohort.failure.system_error": "파일을 읽거나 쓸 수 없었습니다.",
    "cohort.failure.system_error.remedy": "디스크에 빈 공간이 있는지, 쓰기 권한이 있는지 "
    "확인하십시오.",
    "cohort.failure.installation_damaged": "이 프로그램의 파일이 없거나 손상되었습니다.",
    "cohort.failure.installation_damaged.remedy": "프로그램을 다시 설치하십시오.",
    "cohort.failure.internal_error": "이 프로그램의 결함입니다.",
    "cohort.failure.internal_error.remedy": "옆에 있는 문구를 개발자에게 알려 주십시오.",
    "cohort.failure.unusable": "사용할 수 없습니다.",
    "cohort.failure.unusable.remedy": "옆에 있는 문구를 확인하십시오.",
    "cohort.code.baseline_fixed": "고정된 깜빡임 기준",
    "cohort.code.blinks_cut": "깜빡임이 잘림",
    "cohort.code.blurred": "흐림",
    "cohort.code.borderline": "경계",
    "cohort.code.camera_angle": "카메라 높이 부적절",
    "cohort.code.down_not_apart": "위아래를 나눌 수 없음",
    "cohort.code.eyes_closed": "눈을 감음",
    "cohort.code.gaze_not_followed": "시선을 따라가지 못함",
    "cohort.code.eyes_disagree": "두 눈이 따로 움직임",
    "cohort.code.eyes_too_small": "눈이 너무 작음",
    "cohort.code.eyes_held_shut": "한쪽 눈을 감고 있음",
    "cohort.code.face_lost": "얼굴이 보이지 않음",
    "cohort.code.face_partly_lost": "일부 시간 얼굴이 보이지 않음",
    "cohort.code.gaze_partly_used": "시선이 일부만 쓰임",
    "cohort.code.gaze_not_measured": "시선 측정 불가",
    "cohort.code.head_moved": "머리가 움직임",
    "cohort.code.head_not_measured": "머리 자세 측정 불가",
    "cohort.code.head_unsteady": "머리가 흔들림",
    "cohort.code.head_turned": "머리가 돌아감",
    "cohort.code.lids_lowered": "눈꺼풀이 내려옴",
    "cohort.code.looked_aside": "옆을 봄",
    "cohort.code.low_rate": "초당 프레임 부족",
    "cohort.code.max_frames_reached": "앞부분만 분석됨",
    "cohort.code.no_face": "얼굴 없음",
    "cohort.code.other_face": "다른 얼굴이 있음",
    "cohort.code.out_of_time": "시간 초과",
    "cohort.code.overexposed": "노출 과다",
    "cohort.code.phase_down_missing": "아래 보기 단계 없음",
    "cohort.code.phase_up_missing": "위 보기 단계 없음",
    "cohort.code.picture_not_measured": "화질 측정 불가",
    "cohort.code.protocol_mismatch": "지시와 다름",
    "cohort.code.range_is_lower_bound": "눈꺼풀이 아래쪽 범위를 가림",
    "cohort.code.sampling_gaps": "프레임 사이 공백",
    "cohort.code.several_faces": "여러 얼굴",
    "cohort.code.several_videos": "파일에 영상 여러 개",
    "cohort.code.slow_motion_suspected": "슬로 모션 의심",
    "cohort.code.step_raised": "일부 프레임 생략",
    "cohort.code.strong_compression": "강한 압축",
    "cohort.code.task_assumed": "과제를 가정함",
    "cohort.code.task_unknown": "과제를 알 수 없음",
    "cohort.code.times_unknown": "과제의 시각을 알 수 없음",
    "cohort.code.timestamps_repaired": "시간 정보 수정됨",
    "cohort.code.timestamps_unusable": "시간 정보 사용 불가",
    "cohort.code.too_dark_or_noisy": "어둡거나 잡음이 많음",
    "cohort.code.too_short": "너무 짧음",
    "cohort.code.up_limited": "위쪽 범위가 작음",
    "cohort.code.video_cut_off": "영상 잘림",
    "cohort.code.video_damaged": "영상 손상",
    # The page of a comparison.
    "compare.terminal.caution": "유의할 점: {text}",
    "compare.terminal.note": "참고: {text}",
    "compare.terminal.written": "저장한 파일: {text}",
    "compare.title": "녹화 비교",
    "compare.measure.vertical_peak_to_peak": "수직 범위",
    "compare.measure.up_range": "위쪽 범위",
    "compare.measure.down_range": "아래쪽 범위",
    "compare.measure.horizontal_peak_to_peak": "수평 범위",
    "compare.measure.blink_rate_per_min": "눈 깜빡임",
    "compare.measure.prolonged_closure_rate_per_min": "긴 눈 감음",
    "compare.measure.blink_duration_median_s": "눈 깜빡임 지속 시간(중앙값)",
    "compare.measure.perclos": "눈꺼풀이 감긴 시간(PERCLOS)",
    "compare.unit.eye_widths": "눈 너비",
    "compare.unit.per_min": "분당",
    "compare.unit.s": "초",
    "compare.unit.share": "시간의 비율, 0-1",
    "compare.verdict.once": "각 녹화의 불확실성보다 큰 차이",
    "compare.verdict.repeated": "반복 녹화의 차이보다 큰 변화",
    "compare.verdict.unchanged": "변화가 확인되지 않음",
    "compare.verdict.not_judged": "판정하지 않음",
    "compare.why.no_interval": "조건마다 두 번 이상 촬영하십시오",
    "compare.why.not_assessable": "평가할 수 없는 녹화가 있음",
    "compare.why.same_recording": "같은 녹화가 두 번 입력됨",
    "compare.why.other_parameters": "매개변수가 다름",
    "compare.why.other_protocol": "과제가 다름",
    "compare.why.other_camera_height": "카메라 높이가 다름",
    "compare.concern.not_assessable": "{labels}: 평가할 수 없는 녹화가 있습니다({details}). 이 "
    "녹화가 포함된 변화는 판정하지 않습니다. 다시 촬영하십시오.",
    "compare.concern.task_unknown": "{labels}: 대상자에게 무엇을 지시했는지에 관한 정보가 "
    "없습니다. 시선의 변화가 과제의 차이 때문일 수 있습니다. --task나 프로토콜을 붙여 다시 "
    "분석하십시오.",
    "compare.concern.earlier_verdict": "{labels}: 이전 버전으로 분석한 것입니다. 그 버전은 무엇을 "
    "지시했는지 묻지 않았고, 구간 안에 기준값이 있어도 판정을 내렸으므로, 그 평가는 근거가 "
    "충분하지 않을 수 있습니다. --task를 붙여 트랙 파일을 다시 분석하십시오.",
    "compare.concern.partial": "{labels}: 녹화의 끝부분이 분석되지 않았습니다.",
    "compare.concern.corrected": "{labels}: 사람이 이 녹화의 이벤트를 수정했고, 다른 녹화는 "
    "수정하지 않았습니다. 차이가 수정 때문일 수 있으니 모두 수정하거나 모두 수정하지 마십시오.",
    "compare.concern.same_recording": "{labels}: 같은 녹화가 두 번 입력되었습니다. 같은 값은 두 "
    "번째 측정이 아닙니다.",
    "compare.concern.other_parameters": "{labels}: {first}의 한 녹화와 다른 깜빡임 매개변수로 "
    "분석되었습니다. 아무것도 판정하지 않습니다. `eye-tracker reanalyze`로 같은 매개변수로 다시 "
    "분석하십시오.",
    "compare.concern.other_protocol": "{labels}: {first}의 한 녹화와 다른 과제를 지시했습니다. "
    "시선은 판정하지 않습니다. 같은 과제로 촬영하십시오.",
    "compare.concern.other_version": "{labels}: {first}의 한 녹화와 다른 버전의 프로그램으로 "
    "분석되었습니다. 새로 분석되는 트랙 파일(STEM.track.npz)을 비교하십시오.",
    "compare.concern.other_rate": "{labels}: 분석된 초당 프레임 수가 {first}의 한 녹화와 "
    "다릅니다. 프레임 수가 적으면 짧은 깜빡임을 놓칩니다.",
    "compare.concern.other_camera_height": "{labels}: 카메라의 높이가 {first}의 한 녹화와 "
    "다르며, 그것만으로도 범위가 달라집니다. 시선은 판정하지 않습니다. 눈높이에서 촬영하십시오.",
    "compare.sum.changed": "{first} 대비 차이 있음",
    "compare.sum.unchanged": "변화가 확인되지 않음",
    "compare.sum.not_judged": "판정하지 않음",
    "compare.sum.none": "없음",
    "compare.note.once": "구간은 각 녹화 안에서의 변동만 나타냅니다. 같은 사람이 녹화마다, 또는 "
    "날마다 얼마나 달라지는지는 조건마다 한 번의 녹화로는 알 수 없으며, 변화가 그 때문일 수 "
    "있습니다. 조건마다 두 번 이상 촬영하여 모두 입력하십시오.",
    "compare.note.repeated": "최소 감지 변화량은 같은 조건을 반복 녹화했을 때의 차이에서 "
    "구합니다(자유도 {free}). 녹화한 날들에 대해서만 유효합니다.",
    "compare.note.chance": "변화 {judged}건을 각각 5% 수준에서 판정했습니다. 아무 변화가 없어도 "
    "우연히 최대 {expected:.2f}건이 변화로 나올 수 있습니다.",
    "compare.note.movements": "환자에서 검증되지 않은 값: {names}.",
    "compare.note.person": "모든 녹화는 같은 사람의 것이어야 하며, 프로그램은 이를 확인하지 "
    "못합니다.",
    "compare.column.condition": "조건",
    "compare.column.value": "값(95% 구간)",
    "compare.column.picture": "도표",
    "compare.column.change": "{first} 대비 변화(95% 구간)",
    "compare.column.verdict": "판정",
    "compare.column.recording": "녹화",
    "compare.column.status": "평가",
    "compare.column.seen": "얼굴이 보인 시간",
    "compare.heading.measures": "측정값",
    "compare.heading.concerns": "비교할 때 주의할 점",
    "compare.heading.recordings": "녹화",
    "compare.heading.how": "변화를 판정하는 방법",
    "compare.detectable": "한 번씩 녹화한 두 값 사이의 최소 감지 변화량: {value}",
    "compare.status.suspected": "PSP 의심 소견",
    "compare.status.borderline": "경계",
    "compare.status.not_suspected": "PSP 의심 소견 없음",
    "compare.status.not_assessable": "평가할 수 없음",
    "compare.to": "~",
    "compare.ratio": "{value}배",
    "compare.repeats": "; 반복 녹화의 차이 최대 {limit}",
    "compare.how": "수직 범위의 변화: 각 녹화의 구간(블록 부트스트랩)에서 구한 차이의 95% 구간(G. "
    "Y. Zou, A. Donner, Statistics in Medicine 27, 2008). 빈도의 변화: 두 빈도의 비에 대한 정확한 "
    "95% 구간(J. Przyborowski, H. Wilenski, Biometrika 31, 1940). 깜빡임이 서로 독립적으로 "
    "일어난다고 가정하므로, 몰아서 일어나는 깜빡임은 실제로 더 크게 변합니다. 한 조건을 두 번 이상 "
    "녹화한 경우에는 변화가 최소 감지 변화량도 넘어야 합니다. 이는 스튜던트 t 분위수에 조건 내 "
    "표준편차와 녹화 수 n, m에 대한 1/n + 1/m의 제곱근을 곱한 값입니다(J. M. Bland, D. G. Altman, "
    "BMJ 312, 1996; H. C. W. de Vet 외, Journal of Clinical Epidemiology 59, 2006). 구간이 없는 "
    "측정값은 이것만으로 판정합니다. “변화가 확인되지 않음”은 변화가 없다는 뜻이 아닙니다.",
    # One sentence for the patient, never the verdict: patient.CODE says what to do better.
    "patient.done": "촬영한 영상이 잘 측정되었습니다. 결과는 담당 의사가 설명해 드립니다.",
    "patient.next": "다음번에는 이렇게 해 주세요:",
    "patient.no_face": "얼굴 전체가 화면에 들어오도록 휴대전화를 앞에 세로로 들어 주세요.",
    "patient.several_faces": "화면에 다른 사람이 없도록 혼자 촬영해 주세요.",
    "patient.low_rate": "타임랩스가 아닌 일반 동영상으로 촬영해 주세요.",
    "patient.sampling_gaps": "촬영하는 동안 휴대전화의 다른 앱을 모두 닫아 주세요.",
    "patient.too_dark_or_noisy": "창문이나 조명을 마주 보고 더 밝은 곳에서 촬영해 주세요.",
    "patient.picture_not_measured": "얼굴 전체가 화면에 들어오게 하여 밝은 곳에서 촬영해 주세요.",
    "patient.overexposed": "햇빛과 밝은 조명을 피해서 촬영해 주세요.",
    "patient.strong_compression": "메신저 앱으로 보내지 말고, 휴대전화로 촬영한 원본 영상을 그대로 "
    "보내 주세요.",
    "patient.eyes_too_small": "카메라에 더 가까이 와 주세요.",
    "patient.blurred": "렌즈를 닦고, 촬영하는 동안 휴대전화를 움직이지 말아 주세요.",
    "patient.head_not_measured": "얼굴 전체가 화면에 들어오게 하고 카메라를 마주 봐 주세요.",
    "patient.head_turned": "카메라를 마주 보고 눈만 움직여 주세요.",
    "patient.camera_angle": "휴대전화를 눈높이에 들어 주세요.",
    "patient.head_moved": "머리는 움직이지 말고 눈만 움직여 주세요.",
    "patient.face_lost": "머리를 움직이지 말고 얼굴 전체가 화면에 들어오게 해 주세요.",
    "patient.too_short": "10초 동안 위를, 이어서 10초 동안 아래를 보며 더 길게 촬영해 주세요.",
    "patient.eyes_closed": "깜빡일 때 말고는 눈을 계속 뜨고 있어 주세요.",
    "patient.phase_up_missing": "위를 보는 부분까지 모두 촬영해 주세요.",
    "patient.phase_down_missing": "아래를 보는 부분까지 모두 촬영해 주세요.",
    "patient.gaze_not_measured": "더 밝은 곳에서 먼저 카메라를 보고 촬영해 주세요.",
    "patient.eyes_disagree": "머리를 움직이지 말고 밝은 곳에서 다시 촬영해 주세요.",
    "patient.gaze_not_followed": "안경을 벗고 밝은 곳에서 촬영해 주세요.",
    "patient.protocol_mismatch": "안내에 맞추어 위와 아래를 봐 주세요.",
    "patient.looked_aside": "똑바로 위를, 이어서 똑바로 아래를 보며 다시 촬영해 주세요.",
    "patient.range_is_lower_bound": "휴대전화를 턱 높이로 더 낮게 들고 다시 촬영해 주세요.",
    "patient.task_unknown": "다음에 할 일은 담당 의사가 알려 드립니다.",
    "patient.times_unknown": "다음에 할 일은 담당 의사가 알려 드립니다.",
    "patient.down_not_apart": "위아래를 보기 전에 잠시 카메라를 봐 주세요.",
    "patient.head_unsteady": "머리는 움직이지 말고 눈만 움직여 주세요.",
    "patient.gaze_partly_used": "깜빡일 때 말고는 눈을 뜨고 머리를 움직이지 말아 주세요.",
    "patient.eyes_held_shut": "위아래를 보는 동안 두 눈을 뜨고 있어 주세요.",
    "patient.lids_lowered": "아래를 보는 동안 휴대전화를 턱 높이로 더 낮게 들어 주세요.",
    "patient.face_partly_lost": "머리를 움직이지 말고 얼굴 전체가 화면에 들어오게 해 주세요.",
    "patient.blinks_cut": "머리를 움직이지 말고 얼굴 전체가 화면에 들어오게 해 주세요.",
    "patient.video_damaged": "영상을 편집하지 말고 그대로 보내고, 다 보낼 때까지 기다려 주세요.",
    "patient.out_of_time": "더 짧게 촬영해 주세요.",
    "patient.max_frames_reached": "더 짧게 촬영해 주세요.",
    "patient.video_cut_off": "영상을 다 보낼 때까지 기다려 주세요.",
    "patient.several_videos": "휴대전화의 기본 카메라 앱으로 촬영한 영상을 보내 주세요.",
    "patient.slow_motion_suspected": "슬로 모션이 아닌 보통 속도로 촬영해 주세요.",
    "patient.step_raised": "더 짧게 촬영해 주세요.",
    "patient.borderline": "결과가 더 확실해지도록 한 번 더 촬영해 주세요.",
    "patient.other_face": "화면에 다른 사람이 없도록 혼자 촬영해 주세요.",
    "patient.baseline_fixed": "깜빡일 때 말고는 눈을 계속 뜨고 있어 주세요.",
    "patient.timestamps_unusable": "휴대전화의 기본 카메라 앱으로 촬영해 주세요.",
    "patient.timestamps_repaired": "휴대전화의 기본 카메라 앱으로 촬영해 주세요.",
    "app.not_assessable": "이 촬영으로는 결과를 알 수 없습니다.",
    "app.takes_too_long": "분석이 이 요청이 기다릴 수 있는 시간보다 오래 걸립니다. 더 짧은 영상을 "
    "보내거나, POST /uploads로 보낼 곳을 물어보세요.",
    "app.refused": "이 영상은 분석할 수 없습니다.",
    "app.borderline": "결과가 기준값에 너무 가까워 어느 쪽이라고 말할 수 없습니다.",
}
