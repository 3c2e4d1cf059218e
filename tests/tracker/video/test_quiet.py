"""What libraries print to stderr is discarded, and stderr is the true one again afterwards."""

import os
import threading

import pytest

from tracker.video.quiet import quiet_stderr


def test_only_the_block_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with quiet_stderr():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_two_threads_leave_the_true_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    second_is_in = threading.Event()

    def second() -> None:
        with quiet_stderr():
            second_is_in.set()

    with quiet_stderr():
        other = threading.Thread(target=second)
        other.start()
        assert not second_is_in.wait(0.2)
    other.join()
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
