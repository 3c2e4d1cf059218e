"""The Korean texts, by the keys of `texts` and, for the patient, the codes of `patient`."""

KOREAN: dict[str, str] = {
    "value.not_measurable": "측정 불가",
}
PATIENT: dict[str, str] = {}
