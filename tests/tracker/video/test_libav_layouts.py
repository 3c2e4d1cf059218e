"""Our copies of FFmpeg's structures against what is not our copy.

Three witnesses, so that a field that is read at a wrong place cannot pass:

- `HEADERS`: the offsets that a C compiler gives FFmpeg 8's own headers.
- `OPTIONS`: the offsets in the tables of the libraries that are loaded.
- the rest of this file: values that FFmpeg itself wrote or read at a field, and known values of a
  clip that another build of FFmpeg wrote.

`WITNESSES` says which of the last covers which field. A structure's fields that are only there to
keep others in their place need the first alone.
"""

import ast
import ctypes as c
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tracker.video import libav
from tracker.video.ffmpeg import Decoder
from tracker.video.libav import (
    MAJOR_VERSIONS,
    NO_TIME,
    AvCodecParameters,
    AvDictionaryEntry,
    AvFormatContext,
    AvFrame,
    AvIndexEntry,
    AvInputFormat,
    AvIoContext,
    AvPacket,
    AvSideData,
    AvStream,
    load_libraries,
)

HEADERS = {
    AvSideData: {"numbers": 0, "size": 8, "kind": 16},
    AvPacket: {
        "buffer": 0, "pts": 8, "dts": 16, "data": 24, "size": 32, "stream_index": 36, "flags": 40,
        "side_data": 48, "side_data_count": 56, "duration": 64, "position": 72,
    },
    AvCodecParameters: {
        "codec_type": 0, "codec_id": 4, "codec_tag": 8, "extradata": 16, "extradata_size": 24,
        "side_data": 32, "side_data_count": 40, "format": 44, "bit_rate": 48,
        "bits_per_coded_sample": 56, "bits_per_raw_sample": 60, "profile": 64, "level": 68,
        "width": 72, "height": 76,
    },
    AvInputFormat: {"name": 0},
    AvIndexEntry: {"position": 0, "timestamp": 8, "flags": 16, "size": 16, "min_distance": 20},
    AvStream: {
        "av_class": 0, "index": 8, "id": 12, "parameters": 16, "priv_data": 24, "time_base": 32,
        "start_time": 40, "duration": 48, "frame_count": 56, "disposition": 64, "discard": 68,
        "sample_aspect_ratio": 72, "metadata": 80, "mean_frame_rate": 88,
    },
    AvFormatContext: {
        "av_class": 0, "input_format": 8, "output_format": 16, "priv_data": 24, "io": 32,
        "flags": 40, "stream_count": 44, "streams": 48, "group_count": 56, "groups": 64,
        "chapter_count": 72, "chapters": 80, "url": 88, "start_time": 96, "duration": 104,
        "bit_rate": 112, "packet_size": 120, "max_delay": 124, "format_flags": 128,
        "probe_size": 136, "max_analyze_duration": 144, "key": 152, "key_size": 160,
        "program_count": 164, "programs": 168, "forced_codec_ids": 176, "metadata": 192,
    },
    AvFrame: {
        "planes": 0, "strides": 64, "extended_planes": 96, "width": 104, "height": 108,
        "sample_count": 112, "format": 116, "picture_type": 120, "sample_aspect_ratio": 124,
        "pts": 136, "packet_dts": 144, "time_base": 152, "quality": 160, "opaque": 168,
        "repeat": 176, "sample_rate": 180, "buffers": 184, "extended_buffers": 248,
        "extended_buffer_count": 256, "side_data": 264, "side_data_count": 272, "flags": 276,
        "range": 280, "primaries": 284, "transfer": 288, "matrix": 292,
    },
}  # fmt: skip
"""`offsetof` by gcc 12 on x86-64, of the declarations in FFmpeg 8's `libavutil/frame.h` and
`libavcodec/packet.h` (as Firefox ships them for `libavcodec.so.62`, in
`dom/media/platforms/ffmpeg/ffmpeg62/include`), `libavcodec/codec_par.h` and
`libavformat/avformat.h`."""

OPTIONS = {
    ("avformat", "avformat_get_class", AvFormatContext): {
        "packetsize": "packet_size", "max_delay": "max_delay", "fflags": "format_flags",
        "probesize": "probe_size", "analyzeduration": "max_analyze_duration", "cryptokey": "key",
    },
    ("avformat", "av_stream_get_class", AvStream): {
        "disposition": "disposition", "discard": "discard",
    },
}  # fmt: skip
"""Library and function that gives the table, and our names of its options."""

WITNESSES = {
    "test_a_clip_is_read_back": {
        AvFormatContext: {"input_format", "stream_count", "streams", "duration", "metadata", "io"},
        AvInputFormat: {"name"},
        AvStream: {
            "index", "parameters", "time_base", "start_time", "duration", "frame_count",
            "sample_aspect_ratio", "metadata", "mean_frame_rate", "disposition",
        },
        AvCodecParameters: {
            "codec_type", "codec_id", "codec_tag", "extradata_size", "format", "width", "height",
            "profile", "level", "side_data", "side_data_count",
        },
        AvSideData: {"numbers", "size", "kind"},
        AvDictionaryEntry: {"key", "value"},
    },
    "test_packets_and_index_are_read_back": {
        AvPacket: {"pts", "dts", "size", "stream_index", "flags", "data", "position", "duration"},
        AvIndexEntry: {"position", "timestamp", "flags", "size"},
    },
    "test_frames_are_read_back": {
        AvFrame: {
            "planes", "strides", "width", "height", "format", "sample_aspect_ratio", "pts",
            "packet_dts", "flags", "range", "primaries", "transfer", "matrix", "picture_type",
            "repeat",
        },
    },
    "test_a_frame_is_filled_by_ffmpeg": {
        AvFrame: {
            "planes", "strides", "extended_planes", "width", "height", "format", "buffers",
            "side_data", "side_data_count", "pts", "packet_dts", "sample_aspect_ratio", "flags",
            "range", "primaries", "transfer", "matrix", "opaque",
        },
    },
    "test_a_packet_is_filled_by_ffmpeg": {AvPacket: {"buffer", "data", "size", "pts", "dts"}},
    "test_the_buffer_of_a_stream_is_the_one_that_was_given": {AvIoContext: {"buffer"}},
}  # fmt: skip
NOT_USED = {
    AvFormatContext: {"flags", "start_time"},
    AvStream: {"flags"},
    AvIndexEntry: set(),
    AvFrame: {"time_base"},
    AvPacket: {"flags", "side_data", "side_data_count"},
}
"""Fields that share their name with one of another structure that is used."""

TICK = Fraction(1, 30)
BT709, SMPTE170M, GAMMA28 = 1, 6, 5
FULL_RANGE, INTERLACED, KEY = 2, 1 << 3, 1 << 1
ONE = 1 << 16
TURNED = (0, ONE, 0, -ONE, 0, 0, 48 * ONE, 0, 1 << 30)
VIDEO, H264, YUVJ420P, HIGH = 0, 27, 12, 100
"""Of FFmpeg's lists of kinds of streams, codecs, pixel formats and profiles."""
DISPLAY_MATRIX = 5


@pytest.mark.parametrize("structure", HEADERS, ids=lambda one: one.__name__)
def test_offsets_are_those_of_the_headers(structure: type[c.Structure]) -> None:
    ours = {name: getattr(structure, name).offset for name, *_ in structure._fields_}
    assert ours == HEADERS[structure]


def test_bits_of_an_index_entry_are_those_of_the_headers() -> None:
    """``int flags:2; int size:30``, and 24 bytes in all, as a comment there says."""
    assert c.sizeof(AvIndexEntry) == 24
    entry = AvIndexEntry(flags=1, size=5)
    assert int.from_bytes(bytes(entry)[16:20], "little") == 1 | 5 << 2


class _Option(c.Structure):
    _fields_ = (("name", c.c_char_p), ("help", c.c_char_p), ("offset", c.c_int))


def read_options(library: str, function: str) -> dict[str, int]:
    """Return the offsets in the library's own table of a structure's options."""
    libraries = load_libraries()
    give = getattr(libraries[library], function)
    give.restype = c.c_void_p
    owner = c.c_void_p(give())
    following = libraries["avutil"].av_opt_next
    following.restype, following.argtypes = c.c_void_p, (c.c_void_p, c.c_void_p)
    offsets, option = {}, following(c.byref(owner), None)
    while option:
        one = _Option.from_address(option)
        offsets[one.name.decode()] = one.offset
        option = following(c.byref(owner), option)
    return offsets


@pytest.mark.parametrize("table", OPTIONS, ids=lambda one: one[2].__name__)
def test_offsets_are_those_of_the_loaded_library(table: tuple[str, str, Any]) -> None:
    offsets = read_options(*table[:2])
    for option, field in OPTIONS[table].items():
        assert getattr(table[2], field).offset == offsets[option], option


def test_every_field_that_is_used_has_a_witness() -> None:
    room = Path(libav.__file__).parent
    trees = [ast.parse(path.read_text()) for path in room.glob("*.py")]
    names = {
        node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    witnessed: dict[Any, set[str]] = {}
    for test, structures in WITNESSES.items():
        assert test in globals()
        for structure, fields in structures.items():
            witnessed.setdefault(structure, set()).update(fields)
    for structure in (*HEADERS, AvIoContext, AvDictionaryEntry):
        used = {name for name, *_ in structure._fields_} & names - NOT_USED.get(structure, set())
        assert used <= witnessed.get(structure, set()), structure


def test_the_libraries_say_their_versions() -> None:
    for name, major in MAJOR_VERSIONS.items():
        assert getattr(load_libraries()[name], f"{name}_version")() >> 16 == major


def test_other_versions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(libav.MAJOR_VERSIONS, "avcodec", 63)
    with pytest.raises(RuntimeError, match="no libavcodec 63"):
        load_libraries.__wrapped__()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip by PyAV's own FFmpeg: silence as stream 0, and video with every property."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(path, "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata["com.android.capture.fps"] = "30.000000"
        sound: Any = container.add_stream("aac", rate=48_000, layout="mono")
        stream: Any = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"bf": "2", "g": "5", "x264-params": "interlaced=1", "profile": "high"}
        stream.metadata["handler_name"] = "a handler"
        context = stream.codec_context
        context.sample_aspect_ratio = Fraction(4, 3)
        context.color_range, context.colorspace = FULL_RANGE, BT709
        context.color_primaries, context.color_trc = SMPTE170M, GAMMA28
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.rate = 48_000
        container.mux(sound.encode(silence))
        for n in range(12):
            grey = np.full((48, 64, 3), 20 * n, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="bgr24").reformat(format="yuv420p")
            frame.pts, frame.time_base = n, TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        container.mux(sound.encode())
    content = bytearray(path.read_bytes())
    start = content.index(b"tkhd", content.index(b"tkhd") + 1) + 44
    content[start : start + 36] = struct.pack(">9i", *TURNED)
    path.write_bytes(content)
    return path


@pytest.fixture
def opened(clip: Path) -> Iterator[Any]:
    """Yield the clip, opened through our declarations."""
    library = load_libraries()["avformat"]
    context = library.avformat_alloc_context()
    assert library.avformat_open_input(c.byref(context), bytes(clip), None, None) == 0
    assert library.avformat_find_stream_info(context, None) >= 0
    yield context
    library.avformat_close_input(c.byref(context))


def test_a_clip_is_read_back(opened: Any, clip: Path) -> None:
    context = opened.contents
    find = load_libraries()["avutil"].av_dict_get
    assert context.input_format.contents.name == b"mov,mp4,m4a,3gp,3g2,mj2"
    assert context.stream_count == 2
    with av.open(clip) as container:
        theirs: Any = container.streams.video[0]
        assert context.duration == container.duration
        assert load_libraries()["avformat"].avio_size(context.io) == clip.stat().st_size
        entry = find(context.metadata, b"com.android.capture.fps", None, 0).contents
        assert (entry.key, entry.value) == (b"com.android.capture.fps", b"30.000000")
        stream = context.streams[1].contents
        assert stream.index == theirs.index == 1
        assert float(stream.time_base) == float(theirs.time_base)
        assert (stream.start_time, stream.duration) == (theirs.start_time, theirs.duration)
        assert stream.frame_count == theirs.frames == 12
        assert stream.disposition == theirs.disposition.value == 1
        aspect = stream.sample_aspect_ratio
        assert (aspect.numerator, aspect.denominator) == (4, 3)
        rate = theirs.average_rate
        assert (stream.mean_frame_rate.numerator, stream.mean_frame_rate.denominator) == (
            rate.numerator,
            rate.denominator,
        )
        assert find(stream.metadata, b"handler_name", None, 0).contents.value == b"a handler"
        parameters = stream.parameters.contents
        assert (parameters.codec_type, parameters.codec_id) == (VIDEO, H264)
        assert parameters.codec_tag == int.from_bytes(b"avc1", "little")
        assert parameters.extradata_size == len(theirs.codec_context.extradata)
        assert parameters.format == YUVJ420P
        assert (parameters.width, parameters.height) == (64, 48)
        assert parameters.profile == HIGH
        # The version, profile, compatible profiles and level are the head of H.264's extra data.
        assert parameters.level == theirs.codec_context.extradata[3]
    kinds = [parameters.side_data[n].kind for n in range(parameters.side_data_count)]
    one = parameters.side_data[kinds.index(DISPLAY_MATRIX)]
    assert (one.size, tuple(one.numbers[:9])) == (36, TURNED)


def test_packets_and_index_are_read_back(opened: Any, clip: Path) -> None:
    library = load_libraries()
    packet = library["avcodec"].av_packet_alloc()
    ours = []
    while library["avformat"].av_read_frame(opened, packet) >= 0:
        one = packet.contents
        ours.append(
            (
                one.stream_index,
                one.pts,
                one.dts,
                one.flags & 1,
                one.duration,
                one.position,
                c.string_at(one.data, one.size),
            )
        )
        library["avcodec"].av_packet_unref(packet)
    library["avcodec"].av_packet_free(c.byref(packet))
    with av.open(clip) as container:
        theirs = [one for one in container.demux() if one.dts is not None]
        expected = [
            (
                one.stream.index,
                one.pts,
                one.dts,
                int(one.is_keyframe),
                one.duration,
                one.pos,
                bytes(one),
            )
            for one in theirs
        ]
        places = [
            (one.pos, one.dts, int(one.is_keyframe), one.size)
            for one in theirs
            if one.stream.type == "video"
        ]
    assert ours == expected
    stream = opened.contents.streams[1]
    entries = [
        library["avformat"].avformat_index_get_entry(stream, n).contents
        for n in range(library["avformat"].avformat_index_get_entries_count(stream))
    ]
    assert [(e.position, e.timestamp, e.flags, e.size) for e in entries] == places


def test_frames_are_read_back(clip: Path) -> None:
    decoder = Decoder(clip)
    with av.open(clip) as container:
        for n, theirs in enumerate(container.decode(video=0)):
            assert decoder.grab()
            frame = decoder._frame.contents
            assert (frame.width, frame.height, frame.format) == (64, 48, YUVJ420P)
            aspect = frame.sample_aspect_ratio
            assert (aspect.numerator, aspect.denominator) == (4, 3)
            dts = NO_TIME if theirs.dts is None else theirs.dts
            assert (frame.pts, frame.packet_dts) == (theirs.pts, dts)
            assert frame.picture_type == int(theirs.pict_type)
            assert bool(frame.flags & KEY) == theirs.key_frame
            assert bool(frame.flags & INTERLACED) == theirs.interlaced_frame is True
            assert frame.repeat == 0
            colours = (frame.range, frame.primaries, frame.transfer, frame.matrix)
            assert colours == (FULL_RANGE, SMPTE170M, GAMMA28, BT709)
            assert frame.strides[0] >= 64
            assert frame.strides[1] >= 32
            # Grey that grows brighter from frame to frame, encoded from 16 to 235.
            grey = c.string_at(frame.planes[0] + 20 * frame.strides[0], 1)[0]
            assert grey == pytest.approx(16 + 20 * n * 219 / 255, abs=3)
    assert n == 11
    decoder.close()


def test_a_frame_is_filled_by_ffmpeg() -> None:
    """What we write into a frame is where FFmpeg looks for it, and copies it from."""
    library = load_libraries()["avutil"]
    plane_buffer, side_data = library.av_frame_get_plane_buffer, library.av_frame_new_side_data
    plane_buffer.restype, side_data.restype = c.c_void_p, c.c_void_p
    plane_buffer.argtypes = (c.c_void_p, c.c_int)
    side_data.argtypes = (c.c_void_p, c.c_int, c.c_size_t)
    source, copy = library.av_frame_alloc(), library.av_frame_alloc()
    frame = source.contents
    frame.width, frame.height, frame.format = 70, 50, library.av_get_pix_fmt(b"yuv420p")
    assert library.av_frame_get_buffer(source, 0) == 0
    rows = [frame.planes[n + 1] - frame.planes[n] for n in range(2)]
    assert frame.strides[0] >= 70
    assert frame.strides[1] == frame.strides[2] >= 35
    assert rows[0] >= 50 * frame.strides[0]
    assert rows[1] >= 25 * frame.strides[1]
    assert plane_buffer(source, 0) == frame.buffers[0]
    assert frame.extended_planes == c.addressof(frame)
    written = side_data(source, DISPLAY_MATRIX, 36)
    assert frame.side_data_count == 1
    assert c.c_void_p.from_address(frame.side_data).value == written
    frame.pts, frame.packet_dts, frame.opaque, frame.flags = 11, 12, 13, INTERLACED
    frame.range, frame.primaries, frame.transfer, frame.matrix = FULL_RANGE, 6, 5, 1
    frame.sample_aspect_ratio.numerator, frame.sample_aspect_ratio.denominator = 7, 5
    frame.quality, frame.repeat, frame.sample_rate = 21, 1, 8000
    frame.time_base.numerator, frame.time_base.denominator = 1, 90_000
    assert library.av_frame_copy_props(copy, source) == 0
    copied = copy.contents
    for name in (
        *("pts", "packet_dts", "opaque", "flags", "range", "primaries", "transfer", "matrix"),
        *("quality", "repeat", "sample_rate", "side_data_count"),
    ):
        assert getattr(copied, name) == getattr(frame, name) != 0, name
    for name in ("sample_aspect_ratio", "time_base"):
        assert float(getattr(copied, name)) == float(getattr(frame, name)) != 0
    assert copied.width == 0  # no property, and so not copied with its neighbours
    for one in (source, copy):
        library.av_frame_free(c.byref(one))


def test_a_packet_is_filled_by_ffmpeg() -> None:
    library = load_libraries()["avcodec"]
    packet = library.av_packet_alloc()
    assert library.av_new_packet(packet, 123) == 0
    one = packet.contents
    assert one.size == 123
    assert one.buffer
    # The first field of a reference to a buffer is the buffer, the second its data.
    assert c.c_void_p.from_address(one.buffer + 8).value == one.data
    one.pts, one.dts = 3, 2
    rescale = library.av_packet_rescale_ts
    rescale.restype, rescale.argtypes = None, (c.c_void_p, libav.AvRational, libav.AvRational)
    rescale(packet, libav.AvRational(1, 10), libav.AvRational(1, 1000))
    assert (one.pts, one.dts) == (300, 200)
    library.av_packet_free(c.byref(packet))


def test_the_buffer_of_a_stream_is_the_one_that_was_given() -> None:
    libraries = load_libraries()
    memory = libraries["avutil"].av_malloc(64)
    read, seek = libav.AvReadFunction(lambda *_: -1), libav.AvSeekFunction(lambda *_: -1)
    context = libraries["avformat"].avio_alloc_context(memory, 64, 0, None, read, None, seek)
    assert context.contents.buffer == memory
    assert AvIoContext.buffer.offset == 8
    libraries["avutil"].av_freep(c.addressof(context.contents) + AvIoContext.buffer.offset)
    assert not context.contents.buffer
    libraries["avformat"].avio_context_free(c.byref(context))
