"""The model files: made from MediaPipe's wheel, checked when they are loaded."""

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.mediapipe_graphs import require_mediapipe
from tracker.face import models
from tracker.face.mesh import FaceMesh
from tracker.face.models import CHECKSUMS, MODELS, Model, ModelFileError, read_model_file

FILES = ["detector.tflite", "eyes.json", "eyes.tflite", "trunk.tflite"]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the model files, which are read from there."""
    for name in [*FILES, CHECKSUMS]:
        shutil.copy(MODELS / name, tmp_path)
    monkeypatch.setattr(models, "MODELS", tmp_path)
    return tmp_path


def test_the_command_makes_the_same_bytes(tmp_path: Path) -> None:
    require_mediapipe()
    subprocess.run(
        [sys.executable, "-m", "tracker.face.models.make", str(tmp_path)],
        check=True,
        cwd=MODELS.parents[2],
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, CHECKSUMS])
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (MODELS / path.name).read_bytes(), path.name


def test_the_checksums_are_those_of_the_files() -> None:
    """As ``sha256sum --check SHA256SUMS`` reads them."""
    lines = (MODELS / CHECKSUMS).read_text().splitlines()
    assert sorted(line.split("  ")[1] for line in lines) == FILES
    for line in lines:
        checksum, name = line.split("  ")
        assert hashlib.sha256((MODELS / name).read_bytes()).hexdigest() == checksum


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_told_before_a_video_is_opened(directory: Path, name: str) -> None:
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=rf"{re.escape(name)} is damaged.*Install"):
        FaceMesh()


@pytest.mark.parametrize("name", [*FILES, CHECKSUMS])
def test_a_missing_file_is_told(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(ModelFileError, match=r"cannot be read.*Install") as told:
        FaceMesh()
    assert name in str(told.value)


def test_a_file_that_no_checksum_is_known_of_is_damaged(directory: Path) -> None:
    (directory / CHECKSUMS).write_text("")
    with pytest.raises(ModelFileError, match="damaged"):
        read_model_file("eyes.json")


def test_a_model_runs_again_and_again_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    model = Model("detector.tflite")
    answers = []
    for level in (0.0, 1.0, 0.0):
        model.inputs[0]()[...] = level
        model.run()
        answers.append(model.outputs[0]().copy())
    np.testing.assert_array_equal(answers[0], answers[2])
    assert not np.array_equal(answers[0], answers[1])
    assert capfd.readouterr() == ("", "")
