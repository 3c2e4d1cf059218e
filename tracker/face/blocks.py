"""Follow the faces of a recording in blocks; each begins without the result of the one before.

A face is looked for where it was found in the frame before. A small difference in one frame may
therefore last for the rest of a recording. With blocks, it lasts at most until the next block
begins, which is at a frame whose number is known: every `BLOCK_FRAMES`-th analysed one. A recording
can be divided there, and what is found in its parts is exactly what is found in the whole.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Loading them takes as long as tracking 100 frames. To plan blocks, only the sizes are needed.
    from tracker.face.follow import FaceFinder, FaceFollower, RunInFollower
    from tracker.video.frames import ImageLike

BLOCK_FRAMES = 1500
"""Analysed frames of a block: 50 s of a usual recording. Shorter recordings are one block."""
RUN_IN_FRAMES = 30
"""Analysed frames before a block in which its faces are found and followed.

In most recordings, the landmarks are then within 0.3 px of those in a region that was followed for
long. In pictures that show only a part of the face they stay apart by some pixels.
"""


class BlockFollower:
    """Follows faces, and begins anew at each block of `BLOCK_FRAMES` analysed frames.

    In the last `RUN_IN_FRAMES` analysed frames before each block but the recording's first one, the
    faces are also found a second time, from scratch. The block begins with these faces only.

    Parameters
    ----------
    follower : FaceFollower
        Follows the faces through all blocks, and keeps what is found.
    finder : FaceFinder
        Finds the faces from scratch in the frames before a block.
    step : int
        Every `step`-th source frame is added. In the frames before a block, it sets how often the
        whole frame is searched.
    first : int, default 0
        The first frame that `follower` gets, as its number among the analysed frames of the
        recording. It is the start of a block. If it is not 0, add the `RUN_IN_FRAMES` frames before
        it, too: in them, faces are only looked for so that the block can begin with them.
    """

    def __init__(
        self, follower: "FaceFollower", finder: "FaceFinder", step: int, first: int = 0
    ) -> None:
        self._follower, self._finder, self._step, self._first = follower, finder, step, first
        self._block = max(0, first // BLOCK_FRAMES - 1)
        self._run_in: RunInFollower | None = None

    def add(self, image: "ImageLike", ordinal: int) -> None:
        """Find the faces of the next frame, (height, width, 3), uint8, blue-green-red.

        `ordinal` is its number among the analysed frames of the whole recording, from 0, in which
        frames that could not be decoded are counted. It tells when a block begins.
        """
        block = ordinal // BLOCK_FRAMES
        if block != self._block:
            self._block = block
            self._follower.begin_anew(self._run_in.followed_regions if self._run_in else [])
            self._run_in = None
        if (ordinal + RUN_IN_FRAMES) // BLOCK_FRAMES != block:
            if self._run_in is None:
                from tracker.face.follow import RunInFollower

                self._run_in = RunInFollower(self._finder, RUN_IN_FRAMES, self._step)
            self._run_in.add(image, ordinal)
        if ordinal >= self._first:
            self._follower.add(image, ordinal)
        else:
            self._follower.skip(ordinal)
