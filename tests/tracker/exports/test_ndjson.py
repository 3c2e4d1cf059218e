import json
from pathlib import Path

from tests.made_results import FPS
from tracker.exports.ndjson import export_ndjson
from tracker.exports.recordings import ExportedRecording


def test_each_line_is_an_object_that_names_its_recording(
    recordings: list[ExportedRecording], tmp_path: Path
) -> None:
    tables = {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in export_ndjson(recordings, tmp_path)
    }
    whole = tables["recordings.ndjson"]
    assert [line["recording"] for line in whole] == [one.name for one in recordings]
    assert whole[1]["participant_id"] == "p-01"
    assert whole[1]["summary"] == recordings[1].summary.to_dict()
    assert "participant_id" not in whole[2]
    assert len(tables["frames.ndjson"]) == 24 * FPS + 2 * 59
    assert {line["recording"] for line in tables["blinks.ndjson"]} == {"p-01/first"}
    steps = tables["saccades.ndjson"]
    assert {line["recording"] for line in steps} == {"p-01/first"}
    assert [line["eye"] for line in steps] == ["both", "left", "right"] * (len(steps) // 3)
    assert steps[0]["used"] in (True, False)
