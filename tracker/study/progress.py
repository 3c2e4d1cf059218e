"""Progress of the analysis of many recordings on stderr: a bar, or a line every minute.

It is a bar if stderr is a terminal.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tqdm import tqdm

from tracker.study.recording import Failure, FinishedRecording, Recording

LINE_S = 60.0
"""Time between two lines if stderr is not a terminal. Shorter work prints none."""


class CohortProgress:
    """Shows how many recordings are done, the frames per second, and the time left for all of them.

    Use it in a ``with`` statement, at the end of which the bar goes. `recordings` are all that are
    to be analysed; they are known by their index in it.

    The time left is estimated from the files' sizes, because nothing else is known of a video
    before it is opened. Recordings that an earlier run finished count as done, but not as work.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self._sizes = [_size_bytes(recording) for recording in recordings]
        self._shares = [0.0] * len(recordings)
        self._frames = [0] * len(recordings)
        self._done = self._failed = 0
        self._start_s = self._line_s = time.monotonic()
        self._bar = tqdm(total=1.0, disable=None, leave=False)
        self._show()

    def update(self, index: int, frames: int, expected: int) -> None:
        """Show that `frames` of the `expected` frames of the recording at `index` are done.

        `frames` counts from the recording's start, not from the last update. `expected` is 0 if it
        is not known; the recording then adds nothing to the work done until it is finished.
        """
        self._frames[index] = frames
        self._shares[index] = min(1.0, frames / expected) if expected else 0.0
        self._show()

    def finish(self, index: int, outcome: FinishedRecording | Failure) -> None:
        """Show that the recording at `index` is finished or has failed. Call it once for each."""
        self._done += 1
        self._shares[index] = 1.0
        if isinstance(outcome, Failure):
            self._failed += 1
        elif outcome.resumed:
            self._sizes[index] = 0
        else:
            self._frames[index] = outcome.summary.frames_processed
        self._show()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hide the bar during the ``with`` block, so that something else can be printed."""
        with tqdm.external_write_mode(file=sys.stderr):
            yield

    def _show(self) -> None:
        now_s = time.monotonic()
        share = self._share()
        recordings = f"{self._done}/{len(self._sizes)} recordings"
        if self._failed:
            recordings += f", {self._failed} failed"
        elapsed_s = now_s - self._start_s
        speed = f"{sum(self._frames) / elapsed_s:.0f} frames/s" if elapsed_s else "0 frames/s"
        left = tqdm.format_interval(elapsed_s * (1 - share) / share) if share else "?"
        if not self._bar.disable:
            self._bar.n = share
            self._bar.bar_format = f"{recordings} |{{bar}}| {speed}, {left} left"
            self._bar.refresh()
        elif now_s - self._line_s >= LINE_S:
            self._line_s = now_s
            print(f"{recordings}, {speed}, {left} left", file=sys.stderr, flush=True)

    def _share(self) -> float:
        total = sum(self._sizes)
        done = sum(size * share for size, share in zip(self._sizes, self._shares, strict=True))
        return done / total if total else 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.close()


def _size_bytes(recording: Recording) -> int:
    try:
        return recording.video.stat().st_size
    except OSError:
        return 0
