"""OpenCV's settings are there before any module of the package can load it."""

import json
import subprocess
import sys

import pytest

LOAD = """
import json, os, sys

class Watch:
    seen = None
    def find_spec(self, name, path=None, target=None):
        if name == "cv2" and Watch.seen is None:
            Watch.seen = {key: value for key, value in os.environ.items() if "OPENCV" in key}

sys.meta_path.insert(0, Watch())
__import__(sys.argv[1])
print(json.dumps(Watch.seen))
"""


@pytest.mark.parametrize("module", ["tracker.face.quality", "tracker.video.pixels"])
def test_opencv_finds_its_settings_when_it_is_loaded(module: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LOAD, module], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout) == {
        "OPENCV_IO_MAX_IMAGE_PIXELS": "67108864",
        "OPENCV_FFMPEG_LOGLEVEL": "-8",
        "OPENCV_LOG_LEVEL": "SILENT",
    }
