"""Load the face models from their files, which are checked, and run them with LiteRT.

Only this module and `tracker.face.models.make`, which makes the files, import LiteRT.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.video.quiet import quiet_stderr

MODELS = Path(__file__).parent
CHECKSUMS = "SHA256SUMS"
ADVICE = "Install the program again."

Tensor = NDArray[np.float32]


class ModelFileError(RuntimeError):
    """A model file is missing or damaged."""


def read_model_file(name: str) -> bytes:
    """Return the content of the file `name` in this directory, after checking that it is whole.

    Raises
    ------
    ModelFileError
        The file is missing, or its SHA-256 is not the one in ``SHA256SUMS``.
    """
    try:
        lines = (MODELS / CHECKSUMS).read_text(encoding="ascii").splitlines()
        content = (MODELS / name).read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFileError(f"the model file {name} cannot be read ({error}). {ADVICE}") from error
    expected = {file: checksum for checksum, _, file in (line.partition("  ") for line in lines)}
    if hashlib.sha256(content).hexdigest() != expected.get(name):
        raise ModelFileError(f"the model file {name} is damaged. {ADVICE}")
    return content


def read_options(name: str) -> dict[str, Any]:
    """Return the content of the JSON file `name` in this directory, after checking its hash.

    ``eyes.json``, the only one, holds how the heads of the eyes were made: for ``eye_33`` (the
    right eye) and ``eye_362``, what `tracker.face.models.make.read_head_options` returned.

    Raises
    ------
    ModelFileError
        The file is missing, or its SHA-256 is not the one in ``SHA256SUMS``.
    """
    options: dict[str, Any] = json.loads(read_model_file(name))
    return options


class Model:
    """A model, loaded and warmed up, which computes on one thread.

    Two threads must not use it at once.

    Parameters
    ----------
    name : str
        Name of a file in this directory, such as ``trunk.tflite``.

    Attributes
    ----------
    inputs, outputs : list of callable
        One for each input or output, in the order of the file. A call without arguments returns its
        array, float32, which is the model's own memory: write to an input before `run`, and read an
        output after it. Do not keep the array: LiteRT does not run while one exists.

    Raises
    ------
    ModelFileError
        The file is missing or damaged.
    RuntimeError
        LiteRT is not installed.
    """

    def __init__(self, name: str) -> None:
        content = read_model_file(name)
        # XNNPACK computes on CPUs unless told otherwise. One thread: a second one takes 1.6 times
        # the CPU time.
        with quiet_stderr():  # LiteRT has no setting for it
            interpreter = _load_runtime().Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
        # LiteRT reads the weights where they are.
        self._content = content
        self._interpreter = interpreter
        self.inputs = [_tensor(interpreter, one) for one in interpreter.get_input_details()]
        self.outputs = [_tensor(interpreter, one) for one in interpreter.get_output_details()]
        # The first run unpacks the weights.
        self.run()

    def run(self) -> None:
        """Compute the outputs from what was written to the inputs."""
        self._interpreter.invoke()


def _tensor(interpreter: Any, details: dict[str, Any]) -> Callable[[], Tensor]:
    view: Callable[[], Tensor] = interpreter.tensor(details["index"])
    return view


def _load_runtime() -> Any:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise RuntimeError(f"LiteRT cannot be loaded ({error}). {ADVICE}") from error
    return interpreter
