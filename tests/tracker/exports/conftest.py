from pathlib import Path

import pytest

from tests.made_results import PEOPLE
from tracker.exports.recordings import ExportedRecording, find_results


@pytest.fixture
def recordings(results: Path) -> list[ExportedRecording]:
    found = list(find_results([results], PEOPLE))
    assert all(isinstance(one, ExportedRecording) for one in found)
    return found
