"""``python -m tracker.face.models.make``: make the model files from MediaPipe's wheel.

Only developers run this: the files are in the repository, and an analysis only reads them. It
needs ``flatbuffers`` and MediaPipe, in the version of the lock file.

`face_landmark_with_attention.tflite` holds three custom operators that only MediaPipe's own binary
knows (Landmarks2TransformMatrix, TransformTensorBilinear, TransformLandmarks). All its other
operators are built into every TFLite runtime. The custom ones lie between the trunk, which finds
the mesh of the face, and the heads, which refine parts of it. The model is cut there, and each part
runs on any TFLite runtime. The numbers are those of the tensors::

    image 0 ── trunk ──▶ 35 feature map (48 x 48 x 32), 186 mesh (468 x 3), 710 face flag
                          │  16 x 16 x 32 of the map for each eye, cut out where the mesh has it
                          └─ eyes ──▶ 687, 690: 71 points and 5 iris points of the eye at 33/133
                                      693, 696: the same of the eye at 362/263

What the custom operators compute is in `kernels.refinement`. The head of the lips is left out: it
refines points of the lips only, which nothing here uses.
"""

import argparse
import copy
import hashlib
import importlib.util
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from tracker.face.models import CHECKSUMS, MODELS

LANDMARKS = "face_landmark/face_landmark_with_attention.tflite"
DETECTOR = "face_detection/face_detection_short_range.tflite"
SOURCES_SHA256 = {
    LANDMARKS: "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
    DETECTOR: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
}
"""The files of MediaPipe 0.10.21's wheel. The numbers of tensors below are those of these files."""
PARTS = {
    "trunk.tflite": ([0], [186, 35, 710]),
    "eyes.tflite": ([200, 201], [687, 690, 693, 696]),
}
"""Inputs and outputs of each part: tensors of the whole model."""
EYES = {"eye_33": 200, "eye_362": 201}
"""The tensor that each eye's head takes."""


def main() -> None:
    """Read the command line, and write the model files and their checksums.

    The command line may name the directory; the default is that of this file.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tracker.face.models.make", description="Make the model files anew."
    )
    parser.add_argument("directory", type=Path, nargs="?", default=MODELS, help="where to write")
    make_models(parser.parse_args().directory)


def make_models(directory: Path) -> None:
    """Write the model files, the options of the eyes' heads, and ``SHA256SUMS`` to a directory.

    The directory is created if it does not exist. Files of these names are replaced.

    Raises
    ------
    RuntimeError
        MediaPipe is not installed, or it is another version. Nothing was written.
    """
    landmarks, detector = _read_source(LANDMARKS), _read_source(DETECTOR)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(landmarks, 0))
    files = {name: _pack(cut_model(model, *ends)) for name, ends in PARTS.items()}
    options = {name: read_head_options(model, tensor) for name, tensor in EYES.items()}
    files["eyes.json"] = json.dumps(options, sort_keys=True).encode() + b"\n"
    files["detector.tflite"] = detector
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (directory / name).write_bytes(content)
    sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
    (directory / CHECKSUMS).write_text("".join(sums), encoding="ascii")


def cut_model(model: Any, inputs: Collection[int], outputs: Sequence[int]) -> Any:
    """Return a model of only those operators that lead from `inputs` to `outputs`.

    `model` is a ``schema.ModelT`` (a TFLite file as objects) and stays unchanged. `inputs` and
    `outputs` are numbers of tensors in `model`. These tensors are the inputs and the outputs of the
    returned ``schema.ModelT``, in the same order; tensors get new numbers there.
    """
    model = copy.deepcopy(model)
    graph = model.subgraphs[0]
    maker = {int(out): n for n, operator in enumerate(graph.operators) for out in operator.outputs}
    needed: set[int] = set()
    open_tensors = list(outputs)
    while open_tensors:
        tensor = open_tensors.pop()
        if tensor in inputs or tensor not in maker or maker[tensor] in needed:
            continue
        needed.add(maker[tensor])
        open_tensors += [int(one) for one in graph.operators[maker[tensor]].inputs if one >= 0]
    graph.operators = [graph.operators[n] for n in sorted(needed)]
    ends = [(operator.inputs, operator.outputs) for operator in graph.operators]
    used = sorted({int(one) for pair in ends for side in pair for one in side if one >= 0})
    # -1 is an input that is left out.
    number = {tensor: n for n, tensor in enumerate(used)} | {-1: -1}
    for operator in graph.operators:
        operator.inputs = [number[int(one)] for one in operator.inputs]
        operator.outputs = [number[int(one)] for one in operator.outputs]
    graph.tensors = [graph.tensors[one] for one in used]
    graph.inputs = [number[one] for one in inputs]
    graph.outputs = [number[one] for one in outputs]
    # Buffer 0 is the empty one of all tensors without a constant.
    kept = sorted({0} | {tensor.buffer for tensor in graph.tensors})
    model.buffers = [model.buffers[one] for one in kept]
    for tensor in graph.tensors:
        tensor.buffer = kept.index(tensor.buffer)
    model.metadata = model.metadataBuffer = model.signatureDefs = None
    return model


def read_head_options(model: Any, tensor: int) -> dict[str, Any]:
    """Read how the whole model cuts out the square for the head of an eye.

    Parameters
    ----------
    model : schema.ModelT
        The whole model, a TFLite file as objects.
    tensor : int
        Number of the tensor that the head takes; custom operators compute it.

    Returns
    -------
    dict
        ``points``: indices of the landmarks of the mesh that the head refines, a list of int.
        ``left``, ``right``: indices of the eye's corners in the mesh; the square is turned so that
        the line between them is horizontal. ``scale``: width of the square that is cut out, divided
        by that of the points' bounding box. ``size``: side of the square, the head's input, in
        pixels. ``to_map``: size of a pixel of the image, in pixels of the feature map.

    Raises
    ------
    RuntimeError
        The model cuts out something else than a square turned in this way.
    """
    graph = model.subgraphs[0]
    maker = {int(out): operator for operator in graph.operators for out in operator.outputs}
    to_matrix = maker[int(maker[tensor].inputs[1])]
    told = flexbuffers.Loads(bytes(to_matrix.customOptions))
    size, scale = told["output_width"], told["scale_x"]
    if told["output_height"] != size or told["scale_y"] != scale or told["target_rotation_radians"]:
        raise RuntimeError("the eyes' boxes are not what kernels.refinement takes: upright squares")
    scaled = maker[int(to_matrix.inputs[0])]
    factor = int(scaled.inputs[1])
    if factor in maker:  # float16, widened by an operator
        factor = int(maker[factor].inputs[0])
    return {
        "points": np.ravel(told["subset_idxs"]).tolist(),
        "left": told["left_rotation_idx"],
        "right": told["right_rotation_idx"],
        "scale": scale,
        "size": size,
        "to_map": float(_read_constant(model, factor)[0]),
    }


def _read_constant(model: Any, tensor: int) -> Any:
    described = model.subgraphs[0].tensors[tensor]
    kinds = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
    return np.frombuffer(bytes(model.buffers[described.buffer].data), kinds[described.type])


def _pack(model: Any) -> bytes:
    builder = flatbuffers.Builder(2**22)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _read_source(name: str) -> bytes:
    # Found, not imported: `import mediapipe` loads all of it.
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise RuntimeError("MediaPipe is not installed: run `make setup` with Python 3.11 or 3.12")
    content = (Path(spec.origin).parent / "modules" / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != SOURCES_SHA256[name]:
        raise RuntimeError(f"{name} is not the one of MediaPipe 0.10.21: run `make setup`")
    return content


if __name__ == "__main__":
    main()
