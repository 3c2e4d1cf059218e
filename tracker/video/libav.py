"""Declare FFmpeg's structures and functions to ctypes, and find its libraries."""

import ctypes as c
import functools
import importlib.util
from pathlib import Path
from typing import Any

from tracker.video.limits import MAX_FRAME_PIXELS

MAJOR_VERSIONS = {"avutil": 60, "avcodec": 62, "avformat": 62, "swscale": 9}
"""FFmpeg 8. The layouts below hold for these versions; a major version never changes them.
`tests/tracker/video/test_libav_layouts.py` checks every field that is used."""
MAX_BLOCK_BYTES = 8 * MAX_FRAME_PIXELS
"""Most memory that FFmpeg may request at once: the largest frame with the largest pixels."""
NO_TIME = -(2**63)
"""Timestamp of a frame that has none."""

_LOG_NOTHING = -8


class FFmpegError(Exception):
    """FFmpeg cannot open, read or convert the video, or finds none in the file."""


class FrameSizeError(FFmpegError):
    """A frame is larger than `MAX_FRAME_PIXELS`; `width` and `height` are its size in pixels."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"the picture is {width}x{height}")
        self.width, self.height = width, height


class PixelAspectError(FFmpegError):
    """The file declares pixels so wide or so tall that the declaration must be wrong.

    `aspect` is the declared width of a pixel over its height.
    """

    def __init__(self, aspect: float) -> None:
        super().__init__(f"a pixel is {aspect:.4g} times as wide as tall")
        self.aspect = aspect


class AvRational(c.Structure):
    _fields_ = [("numerator", c.c_int), ("denominator", c.c_int)]

    def __float__(self) -> float:
        return self.numerator / self.denominator if self.numerator and self.denominator else 0.0


class AvSideData(c.Structure):
    _fields_ = [("numbers", c.POINTER(c.c_int32)), ("size", c.c_size_t), ("kind", c.c_int)]


class AvCodecParameters(c.Structure):
    _fields_ = [
        ("codec_type", c.c_int),
        ("codec_id", c.c_int),
        ("codec_tag", c.c_uint32),
        ("extradata", c.c_void_p),
        ("extradata_size", c.c_int),
        ("side_data", c.POINTER(AvSideData)),
        ("side_data_count", c.c_int),
        ("format", c.c_int),
        ("bit_rate", c.c_int64),
        ("bits_per_coded_sample", c.c_int),
        ("bits_per_raw_sample", c.c_int),
        ("profile", c.c_int),
        ("level", c.c_int),
        ("width", c.c_int),
        ("height", c.c_int),
    ]


class AvStream(c.Structure):
    _fields_ = [
        ("av_class", c.c_void_p),
        ("index", c.c_int),
        ("id", c.c_int),
        ("parameters", c.POINTER(AvCodecParameters)),
        ("priv_data", c.c_void_p),
        ("time_base", AvRational),
        ("start_time", c.c_int64),
        ("duration", c.c_int64),
        ("frame_count", c.c_int64),
        ("disposition", c.c_int),
        ("discard", c.c_int),
        ("sample_aspect_ratio", AvRational),
        ("metadata", c.c_void_p),
        ("mean_frame_rate", AvRational),
    ]


class AvInputFormat(c.Structure):
    _fields_ = [("name", c.c_char_p)]


class AvIndexEntry(c.Structure):
    _fields_ = [
        ("position", c.c_int64),
        ("timestamp", c.c_int64),
        ("flags", c.c_int, 2),
        ("size", c.c_int, 30),
        ("min_distance", c.c_int),
    ]


class AvFormatContext(c.Structure):
    _fields_ = [
        ("av_class", c.c_void_p),
        ("input_format", c.POINTER(AvInputFormat)),
        ("output_format", c.c_void_p),
        ("priv_data", c.c_void_p),
        ("io", c.c_void_p),
        ("flags", c.c_int),
        ("stream_count", c.c_uint),
        ("streams", c.POINTER(c.POINTER(AvStream))),
        ("group_count", c.c_uint),
        ("groups", c.c_void_p),
        ("chapter_count", c.c_uint),
        ("chapters", c.c_void_p),
        ("url", c.c_void_p),
        ("start_time", c.c_int64),
        ("duration", c.c_int64),
        ("bit_rate", c.c_int64),
        ("packet_size", c.c_uint),
        ("max_delay", c.c_int),
        ("format_flags", c.c_int),
        ("probe_size", c.c_int64),
        ("max_analyze_duration", c.c_int64),
        ("key", c.c_void_p),
        ("key_size", c.c_int),
        ("program_count", c.c_uint),
        ("programs", c.c_void_p),
        ("forced_codec_ids", c.c_int * 4),
        ("metadata", c.c_void_p),
    ]


class AvDictionaryEntry(c.Structure):
    _fields_ = [("key", c.c_char_p), ("value", c.c_char_p)]


class AvPacket(c.Structure):
    _fields_ = [
        ("buffer", c.c_void_p),
        ("pts", c.c_int64),
        ("dts", c.c_int64),
        ("data", c.c_void_p),
        ("size", c.c_int),
        ("stream_index", c.c_int),
        ("flags", c.c_int),
        ("side_data", c.c_void_p),
        ("side_data_count", c.c_int),
        ("duration", c.c_int64),
        ("position", c.c_int64),
    ]


class AvFrame(c.Structure):
    _fields_ = [
        ("planes", c.c_void_p * 8),
        ("strides", c.c_int * 8),
        ("extended_planes", c.c_void_p),
        ("width", c.c_int),
        ("height", c.c_int),
        ("sample_count", c.c_int),
        ("format", c.c_int),
        ("picture_type", c.c_int),
        ("sample_aspect_ratio", AvRational),
        ("pts", c.c_int64),
        ("packet_dts", c.c_int64),
        ("time_base", AvRational),
        ("quality", c.c_int),
        ("opaque", c.c_void_p),
        ("repeat", c.c_int),
        ("sample_rate", c.c_int),
        ("buffers", c.c_void_p * 8),
        ("extended_buffers", c.c_void_p),
        ("extended_buffer_count", c.c_int),
        ("side_data", c.c_void_p),
        ("side_data_count", c.c_int),
        ("flags", c.c_int),
        ("range", c.c_int),
        ("primaries", c.c_int),
        ("transfer", c.c_int),
        ("matrix", c.c_int),
    ]


class AvIoContext(c.Structure):
    _fields_ = [("av_class", c.c_void_p), ("buffer", c.c_void_p)]


AvReadFunction = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p, c.c_int)
AvSeekFunction = c.CFUNCTYPE(c.c_int64, c.c_void_p, c.c_int64, c.c_int)

_Format, _Codec, _Frame = c.POINTER(AvFormatContext), c.c_void_p, c.POINTER(AvFrame)
_Pointers = c.POINTER(c.c_void_p)
_FUNCTIONS: tuple[tuple[Any, ...], ...] = (
    ("avutil", "av_frame_alloc", _Frame),
    ("avutil", "av_frame_free", None, c.POINTER(_Frame)),
    ("avutil", "av_get_pix_fmt", c.c_int, c.c_char_p),
    ("avutil", "av_dict_get", c.POINTER(AvDictionaryEntry), c.c_void_p, c.c_char_p, c.c_void_p,
     c.c_int),
    ("avutil", "av_dict_set", c.c_int, _Pointers, c.c_char_p, c.c_char_p, c.c_int),
    ("avutil", "av_dict_free", None, _Pointers),
    ("avutil", "av_malloc", c.c_void_p, c.c_size_t),
    ("avutil", "av_freep", None, c.c_void_p),
    ("avcodec", "av_packet_alloc", c.POINTER(AvPacket)),
    ("avcodec", "av_packet_free", None, c.POINTER(c.POINTER(AvPacket))),
    ("avcodec", "av_packet_unref", None, c.POINTER(AvPacket)),
    ("avcodec", "avcodec_find_decoder", c.c_void_p, c.c_int),
    ("avcodec", "avcodec_alloc_context3", _Codec, c.c_void_p),
    ("avcodec", "avcodec_free_context", None, _Pointers),
    ("avcodec", "avcodec_parameters_to_context", c.c_int, _Codec,
     c.POINTER(AvCodecParameters)),
    ("avcodec", "avcodec_open2", c.c_int, _Codec, c.c_void_p, _Pointers),
    ("avcodec", "avcodec_send_packet", c.c_int, _Codec, c.POINTER(AvPacket)),
    ("avcodec", "avcodec_receive_frame", c.c_int, _Codec, _Frame),
    ("avformat", "avformat_alloc_context", _Format),
    ("avformat", "avformat_open_input", c.c_int, c.POINTER(_Format), c.c_char_p, c.c_void_p,
     _Pointers),
    ("avformat", "avformat_find_stream_info", c.c_int, _Format, c.c_void_p),
    ("avformat", "avformat_close_input", None, c.POINTER(_Format)),
    ("avformat", "av_guess_frame_rate", AvRational, _Format, c.POINTER(AvStream), c.c_void_p),
    ("avformat", "avio_size", c.c_int64, c.c_void_p),
    ("avformat", "avformat_index_get_entries_count", c.c_int, c.POINTER(AvStream)),
    ("avformat", "avformat_index_get_entry", c.POINTER(AvIndexEntry), c.POINTER(AvStream),
     c.c_int),
    ("avformat", "av_guess_sample_aspect_ratio", AvRational, _Format, c.POINTER(AvStream), _Frame),
    ("avformat", "av_read_frame", c.c_int, _Format, c.POINTER(AvPacket)),
    ("avformat", "av_seek_frame", c.c_int, _Format, c.c_int, c.c_int64, c.c_int),
    ("avformat", "avio_alloc_context", c.POINTER(AvIoContext), c.c_void_p, c.c_int, c.c_int,
     c.c_void_p, AvReadFunction, c.c_void_p, AvSeekFunction),
    ("avformat", "avio_context_free", None, c.POINTER(c.POINTER(AvIoContext))),
    ("swscale", "sws_getContext", c.c_void_p, *[c.c_int] * 7, *[c.c_void_p] * 3),
    ("swscale", "sws_scale", c.c_int, c.c_void_p, c.POINTER(c.c_void_p), c.POINTER(c.c_int),
     c.c_int, c.c_int, c.POINTER(c.c_void_p), c.POINTER(c.c_int)),
    ("swscale", "sws_freeContext", None, c.c_void_p),
    ("avutil", "av_log_set_level", None, c.c_int),
    ("avutil", "av_max_alloc", None, c.c_size_t),
    ("swscale", "sws_test_frame", c.c_int, _Frame, c.c_int),
    ("swscale", "sws_alloc_context", c.c_void_p),
    ("swscale", "sws_scale_frame", c.c_int, c.c_void_p, _Frame, _Frame),
    ("swscale", "sws_getCoefficients", c.c_void_p, c.c_int),
    ("swscale", "sws_setColorspaceDetails", c.c_int, c.c_void_p, c.c_void_p, c.c_int,
     c.c_void_p, *[c.c_int] * 4),
)  # fmt: skip
"""Library, name, result and arguments of each function."""


WHEELS = (
    ("cv2", "opencv_python_headless.libs/lib{}-*.so.{}.*"),
    ("av", "av.libs/lib{}-*.so.{}.*"),
    ("av", "av/.dylibs/lib{}.{}.*dylib"),
    ("av", "av.libs/{}-{}-*.dll"),
)
"""Packages and where their wheels keep a library, given its name and major version.

OpenCV's wheels for Linux come first, because AWS Lambda has no room for PyAV. OpenCV's wheels for
macOS hold an older FFmpeg, and those for Windows none that ctypes reaches. PyAV 18 holds the same
release on Linux, macOS and Windows.
"""

_REMEDY = (
    "Install the versions that this program is made for: "
    'pip install "opencv-python-headless==4.14.*" "av==18.*"'
)


def find_libraries() -> dict[str, Path]:
    """Return the file of each of FFmpeg's libraries, by names such as ``"avcodec"``.

    The names, and the versions that are looked for, are those of `MAJOR_VERSIONS`. All come from
    one installed Python package (OpenCV's or PyAV's wheel), because they belong together.

    Raises
    ------
    RuntimeError
        No installed package has them all in these versions.
    """
    missing = dict(MAJOR_VERSIONS)
    for package, pattern in WHEELS:
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        site = Path(spec.origin).parents[1]
        found = {
            name: next(site.glob(pattern.format(name, major)), None)
            for name, major in MAJOR_VERSIONS.items()
        }
        files = {name: path for name, path in found.items() if path is not None}
        if len(files) == len(MAJOR_VERSIONS):
            return files
        missing = {name: MAJOR_VERSIONS[name] for name in missing.keys() - files} or missing
    names = ", ".join(f"lib{name} {major}" for name, major in sorted(missing.items()))
    raise RuntimeError(f"OpenCV's and PyAV's wheels have no {names}. {_REMEDY}")


@functools.cache
def load_libraries() -> dict[str, c.CDLL]:
    """Load FFmpeg's libraries, once, and return them by name, such as ``"avcodec"``.

    The functions that are used are declared to ctypes. FFmpeg is told to log nothing, and to refuse
    to allocate more than `MAX_BLOCK_BYTES` at once.

    Raises
    ------
    RuntimeError
        The libraries are not there, or in other versions than `MAJOR_VERSIONS`.
    """
    libraries = {name: c.CDLL(str(path)) for name, path in find_libraries().items()}
    for name, library in libraries.items():
        # The layouts hold for these versions, so the libraries themselves are asked for theirs.
        version = getattr(library, f"{name}_version")() >> 16
        if version != MAJOR_VERSIONS[name]:
            raise RuntimeError(
                f"lib{name} has version {version}, not {MAJOR_VERSIONS[name]}. {_REMEDY}"
            )
    for name, function, result, *arguments in _FUNCTIONS:
        declared = getattr(libraries[name], function)
        declared.restype, declared.argtypes = result, arguments
    # FFmpeg logs nothing, because the decoder counts and reports what cannot be decoded.
    libraries["avutil"].av_log_set_level(_LOG_NOTHING)
    libraries["avutil"].av_max_alloc(MAX_BLOCK_BYTES)
    return libraries
