"""MediaPipe's own graphs, the reference of `tracker.face.mesh`: its detector and its FaceMesh.

They are built out of the library's subgraphs, with the face's region going in beside each image, so
that both can be asked about the same region. MediaPipe has no wheel for Python 3.13 or later, nor
for every machine: `require_mediapipe` skips a test there and names the reason.
"""

import functools
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kernels import FACE_MESH_INDICES
from kernels.refinement import map_points
from tracker.face.mesh import LANDMARK_COUNT, SIDE_PX, FaceMesh
from tracker.face.region import Region
from tracker.video.frames import Image, ImageLike
from tracker.video.quiet import quiet_stderr

DETECTOR_SIDE_PX = 256
"""Longer side of the picture the detector gets, which scales it to 128 px itself."""
_DETECTOR_GRAPH = """
executor { name: "" type: "ApplicationThreadExecutor" }
input_stream: "image"
output_stream: "regions"
node {
  calculator: "FaceDetectionShortRangeCpu"
  input_stream: "IMAGE:image"
  output_stream: "DETECTIONS:detections"
}
node {
  calculator: "ImagePropertiesCalculator"
  input_stream: "IMAGE:image"
  output_stream: "SIZE:size"
}
node {
  calculator: "BeginLoopDetectionCalculator"
  input_stream: "ITERABLE:detections"
  input_stream: "CLONE:size"
  output_stream: "ITEM:detection"
  output_stream: "CLONE:loop_size"
  output_stream: "BATCH_END:loop_end"
}
node {
  calculator: "FaceDetectionFrontDetectionToRoi"
  input_stream: "DETECTION:detection"
  input_stream: "IMAGE_SIZE:loop_size"
  output_stream: "ROI:region"
}
node {
  calculator: "EndLoopNormalizedRectCalculator"
  input_stream: "ITEM:region"
  input_stream: "BATCH_END:loop_end"
  output_stream: "ITERABLE:regions"
}
"""

_LANDMARK_GRAPH = """
executor { name: "" type: "ApplicationThreadExecutor" }
input_stream: "image"
input_stream: "region"
input_side_packet: "with_attention"
output_stream: "landmarks"
node {
  calculator: "FaceLandmarkCpu"
  input_stream: "IMAGE:image"
  input_stream: "ROI:region"
  input_side_packet: "WITH_ATTENTION:with_attention"
  output_stream: "LANDMARKS:landmarks"
}
"""

_LANDMARK_BYTES, _FIRST_BYTE, _NEXT_BYTE = 17, 3, 5
"""A serialized landmark: tag and length, then a tag and a float32 for each of x, y and z. Where x
begins, and how far from there y does."""


class MediaPipeMesh:
    """The two graphs, loaded and warmed up. Stateless between calls."""

    def __init__(self) -> None:
        with quiet_stderr():
            self._mp = import_bindings()
            self._detector = Graph(self._mp, _DETECTOR_GRAPH, "regions", {})
            with_attention = self._mp.packet_creator.create_bool(True)
            self._landmarker = Graph(
                self._mp, _LANDMARK_GRAPH, "landmarks", {"with_attention": with_attention}
            )
            blank: Image = np.zeros((64, 64, 3), dtype=np.uint8)
            self.detect(blank)
            self.find_landmarks(blank, Region(32, 32, 64, 0))

    def detect(self, image: ImageLike) -> list[Region]:
        """Find the faces of a picture.

        Parameters
        ----------
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            Blue-green-red.

        Returns
        -------
        list of Region
            One for each face, the most certain first.
        """
        height, width = image.shape[:2]
        image = np.asarray(image)
        scale = DETECTOR_SIDE_PX / max(height, width)
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        packet = self._detector.run(image=self._image_packet(image))
        if packet is None:
            return []
        found = [
            self._mp.rect.FromString(serialized)
            for serialized in self._mp.packet_getter._get_serialized_proto_list(packet)
        ]
        return [
            Region(r.x_center * width, r.y_center * height, r.width * width, r.rotation)
            for r in found
        ]

    def find_landmarks(self, image: ImageLike, region: Region) -> NDArray[np.float32] | None:
        """Find the landmarks of the face in a region.

        Parameters
        ----------
        image : ndarray or LazyImage, shape (height, width, 3), uint8
            The whole picture, blue-green-red. Only the part around `region` is read.
        region : Region
            Where the face is: from `detect`, or `region_of` the frame before.

        Returns
        -------
        ndarray, shape (478, 2), float32, or None
            Pixels of the whole picture; None if no face is there.
        """
        height, width = image.shape[:2]
        reach = (
            region.side_px
            / 2
            * (abs(np.cos(region.rotation_rad)) + abs(np.sin(region.rotation_rad)))
        )
        # Two pixels more, for the model's interpolation.
        left, top = (
            max(0, int(region.centre_x - reach) - 2),
            max(0, int(region.centre_y - reach) - 2),
        )
        right = min(width, int(region.centre_x + reach) + 3)
        bottom = min(height, int(region.centre_y + reach) + 3)
        if right - left < 2 or bottom - top < 2:
            return None
        crop_width, crop_height = right - left, bottom - top
        rect = self._mp.rect(
            x_center=(region.centre_x - left) / crop_width,
            y_center=(region.centre_y - top) / crop_height,
            width=region.side_px / crop_width,
            height=region.side_px / crop_height,
            rotation=region.rotation_rad,
        )
        packet = self._landmarker.run(
            image=self._image_packet(image[top:bottom, left:right]),
            region=self._mp.packet_creator._create_proto(
                "mediapipe.NormalizedRect", rect.SerializeToString()
            ),
        )
        if packet is None:
            return None
        points: NDArray[np.float32] = _parse_landmarks(
            self._mp.packet_getter._get_serialized_proto(packet)
        )
        points *= np.array([crop_width, crop_height], dtype=np.float32)
        points += np.array([left, top], dtype=np.float32)
        return points

    def _image_packet(self, image: Image) -> Any:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        # A read-only array is shared with the graph instead of copied.
        rgb.flags.writeable = False
        return self._mp.packet_creator._create_image_frame_from_pixel_data(
            self._mp.image_frame.ImageFormat.SRGB, rgb, False
        )


class Graph:
    """A running MediaPipe graph with one output stream."""

    def __init__(self, mp: Any, text: str, output: str, side_packets: dict[str, Any]) -> None:
        config = mp.text_format.Parse(text, mp.calculator.CalculatorGraphConfig())
        self._graph = mp.calculator_graph.CalculatorGraph(graph_config=config)
        self._output: Any = None
        self._graph.observe_output_stream(output, self._receive, False)
        self._graph.start_run(side_packets)
        self._calls = 0

    def _receive(self, _name: str, packet: Any) -> None:
        self._output = packet

    def run(self, **packets: Any) -> Any:
        """Feed one packet to each input; return the output packet or None if there is none."""
        self._output = None
        # A graph's timestamps must increase; the landmarks do not depend on them.
        self._calls += 1
        for stream, packet in packets.items():
            self._graph.add_packet_to_input_stream(stream, packet.at(self._calls))
        self._graph.wait_until_idle()
        if self._output is None or self._output.is_empty():
            return None
        return self._output


def _parse_landmarks(serialized: bytes) -> NDArray[np.float32]:
    """Read x and y out of a serialized NormalizedLandmarkList without a Python loop."""
    if len(serialized) != LANDMARK_COUNT * _LANDMARK_BYTES:
        raise RuntimeError(
            f"FaceMesh answered {len(serialized)} bytes, expected "
            f"{LANDMARK_COUNT * _LANDMARK_BYTES}: run `make setup` for the pinned MediaPipe"
        )
    strides = (_LANDMARK_BYTES, _NEXT_BYTE)
    # All x, then all y: `region_of` is several times as fast.
    return np.ndarray((LANDMARK_COUNT, 2), "<f4", serialized, _FIRST_BYTE, strides).copy("F")


MOUTH_CORNERS = (61, 291)
REFINED = np.array([index for index in FACE_MESH_INDICES if index not in MOUTH_CORNERS])
"""The landmarks of a track but the mouth's corners, which MediaPipe refines and we do not: nothing
is measured with them."""


def find_from_mediapipes_picture(
    mesh: FaceMesh, image: Image, region: Region
) -> NDArray[np.float32] | None:
    """Find landmarks in the very picture that MediaPipe's graph gives its model.

    It is 192 pixels a side and has 8 bits; OpenCV rounds each place in it to 1/32 pixel.
    """
    to_picture = region.affine(SIDE_PX)
    picture = cv2.warpPerspective(
        image, np.vstack((to_picture, (0, 0, 1))), (SIDE_PX, SIDE_PX),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    points = mesh.find_landmarks(picture, Region(SIDE_PX / 2, SIDE_PX / 2, SIDE_PX, 0))
    return None if points is None else map_points(np.ascontiguousarray(points), to_picture)


def require_mediapipe() -> None:
    """Skip the test where MediaPipe is not installed."""
    if "mediapipe" not in sys.modules and importlib.util.find_spec("mediapipe") is None:
        pytest.skip("MediaPipe is not installed: it has wheels for Python up to 3.12 only")


@functools.cache
def import_bindings() -> types.SimpleNamespace:
    """Import the parts of MediaPipe that are used, past its package files.

    ``mediapipe/__init__.py`` imports every solution and task and, through them, matplotlib and
    jax: seconds of start-up for what is never called. Empty packages in their place lead to the
    same compiled modules in 0.05 s.
    """
    spec = importlib.util.find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise RuntimeError("MediaPipe is not installed")
    directory = Path(spec.origin).parent
    for name, path in (("mediapipe", directory), ("mediapipe.python", directory / "python")):
        if name not in sys.modules:
            package = types.ModuleType(name)
            package.__path__ = [str(path)]
            sys.modules[name] = package

    from google.protobuf import text_format
    from mediapipe.framework import calculator_pb2
    from mediapipe.framework.formats import rect_pb2
    from mediapipe.python._framework_bindings import (
        _packet_creator,
        _packet_getter,
        calculator_graph,
        image_frame,
        resource_util,
    )

    resource_util.set_resource_dir(str(directory.parent))
    return types.SimpleNamespace(
        text_format=text_format,
        calculator=calculator_pb2,
        rect=rect_pb2.NormalizedRect,
        calculator_graph=calculator_graph,
        image_frame=image_frame,
        packet_creator=_packet_creator,
        packet_getter=_packet_getter,
    )
