"""The budget's own parts; the measuring itself is `make budget`."""

import contextlib
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import lambda_budget, lambda_sandbox


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["lambda_budget", *arguments])
    lambda_budget.main()


def test_without_the_rights_it_says_so_and_skips(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    run_main(monkeypatch)
    assert capsys.readouterr().out == (
        "SKIPPED: the Lambda budget was not measured: "
        "root is needed for mounts and control groups\n"
    )


def test_without_a_tool_it_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(lambda_sandbox.SandboxUnavailableError, match="unshare is missing"):
        lambda_sandbox.check_rights()


def test_a_missed_target_fails_the_run_and_is_in_the_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "function.zip").touch()
    monkeypatch.setattr(lambda_budget, "check_rights", lambda: None)
    monkeypatch.setattr(
        lambda_budget, "Cgroup", lambda _name: SimpleNamespace(remove=lambda: None, version=2)
    )
    monkeypatch.setattr(lambda_budget, "make_root", lambda *_arguments: None)
    aws = SimpleNamespace(s3=None, url="", queue_url="")
    monkeypatch.setattr(lambda_budget, "run_aws", lambda: contextlib.nullcontext(aws))

    def run_short(budget: lambda_budget.Budget, _inputs: Path) -> None:
        budget.require("one", "CPU s", 1.61, 1.6)
        budget.require("two", "CPU s", 1.6, 1.6)
        summary: dict[str, Any] = {"video_meta": {"frames_decoded": 99}, "partial": False}
        budget.require_whole("three", summary, 100)
        budget.require_whole("four", summary, 99)
        budget.require_whole("five", summary | {"partial": True}, 99)

    monkeypatch.setattr(lambda_budget, "run_short", run_short)
    report = tmp_path / "report.json"
    with pytest.raises(SystemExit) as stopped:
        run_main(monkeypatch, "--dist", str(tmp_path), "--json", str(report))
    missed = [
        "one: CPU s 1.61, expected at most 1.6",
        "three: 99 of 100 frames",
        "five: 99 of 99 frames",
    ]
    assert stopped.value.code == "missed:\n" + "\n".join(missed)
    assert json.loads(report.read_text())["missed"] == missed


def test_the_limits_are_those_of_the_function() -> None:
    assert lambda_sandbox.MEMORY_MB == 1024
    assert round(lambda_sandbox.CPU_SHARE, 3) == 0.579
    assert lambda_sandbox.TMP_MB == 512
    assert lambda_budget.TIMEOUT_S == 300
