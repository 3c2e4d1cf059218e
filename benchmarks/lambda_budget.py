"""``python -m benchmarks.lambda_budget``: measure ``dist/`` within Lambda's limits on this machine.

The sandbox needs root (see `benchmarks.lambda_sandbox`); without root, this says so and skips.
moto's server, outside of the sandbox, stands in for S3, DynamoDB and SQS.
"""

import argparse
import base64
import json
import logging
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.lambda_sandbox import (
    CPU_SHARE,
    MEMORY_MB,
    Cgroup,
    Sandbox,
    SandboxUnavailableError,
    check_rights,
    make_root,
)
from tests.aws_server import BUCKET, CREDENTIALS, TABLE, Aws, run_aws
from tracker.files.summary import to_json
from tracker.lab.clip_spec import ClipSpec, GazePhase, LidClosure
from tracker.lab.drawing import render_frame
from tracker.lab.synthetic import write_clip

TIMEOUT_S = 300.0
LAYERS = ("layer-base", "layer-litert", "layer-opencv", "layer-ffmpeg")
ANALYSIS, LIGHT = "lambda_function.lambda_handler", "handler.light_function.lambda_handler"
WEBHOOK = "handler.webhook_function.lambda_handler"
LABELS = {ANALYSIS: "analysis function", LIGHT: "light function", WEBHOOK: "webhook's function"}
LONG_FRAMES = 12_000
LARGE_FILE_BYTES = 600 * 10**6

MAX_INIT_CPU_S, MAX_LIGHT_INIT_CPU_S = 0.6, 0.35
"""A third above what they take, and less than what one more large library would add."""
MAX_PEAK_RSS_MB = 450.0


@dataclass(frozen=True, slots=True)
class Row:
    """What one invocation, or an initialisation, took. Memory is the peak of the process so far.

    Attributes
    ----------
    action : str
        What was done, in words for the table.
    wall_s, cpu_s : float
    frames : int
        Source frames that were covered.
    step : float
        Source frames for each one tracked.
    peak_rss_mb : float
        Memory of the process, including shared libraries.
    max_usage_mb : float
        Memory of the control group, including the page cache.
    tmp_peak_mb : float
        Largest use of /tmp among regular samples.
    """

    action: str
    wall_s: float
    cpu_s: float
    frames: int = 0
    step: float = 0.0
    peak_rss_mb: float = 0.0
    max_usage_mb: float = 0.0
    tmp_peak_mb: float = 0.0


class Budget:
    """A run of the benchmark: a row for each measurement, and the targets that were missed."""

    def __init__(self, dist: Path, scratch: Path, aws: Aws, cold: bool) -> None:
        self.rows: list[Row] = []
        self.missed: list[str] = []
        self._cold = cold
        self._scratch = scratch
        self._roots = {}
        site = Path(sysconfig.get_paths()["purelib"])
        for handler, layers in ((ANALYSIS, LAYERS), (LIGHT, LAYERS[:1]), (WEBHOOK, LAYERS[:1])):
            self._roots[handler] = scratch / handler
            self._roots[handler].mkdir()
            make_root(self._roots[handler], dist, layers, site)
        self.s3 = aws.s3
        self._environment = {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_REGION": CREDENTIALS["AWS_DEFAULT_REGION"],
            "S3_BUCKET": BUCKET,
            "DYNAMODB_TABLE": TABLE,
            "QUEUE_URL": aws.queue_url,
            "WEBHOOK_URL": "https://receiver.example/",
            "WEBHOOK_SECRET_ARN": "secret",
            "WEBHOOK_QUEUE_URL": aws.queue_url,
        }

    @contextmanager
    def function(self, handler: str) -> Iterator[Sandbox]:
        """Start and yield the function of this handler; measure its start, and check /tmp last."""
        if self._cold:
            Path("/proc/sys/vm/drop_caches").write_text("3")
        environment = dict(self._environment)
        if handler == LIGHT:
            del environment["QUEUE_URL"]
        with Sandbox(self._roots[handler], handler, environment, self._scratch) as sandbox:
            usage = sandbox.usage
            self._add(
                Row(
                    f"init of the {LABELS[handler]}",
                    sandbox.init_wall_s,
                    sandbox.init_cpu_s,
                    peak_rss_mb=usage.peak_rss_mb,
                    max_usage_mb=usage.max_usage_mb,
                    tmp_peak_mb=sandbox.tmp_peak_mb,
                )
            )
            yield sandbox
            if sandbox.tmp_files:
                self.missed.append(f"/tmp holds {', '.join(sandbox.tmp_files)} afterwards")

    def invoke(
        self,
        sandbox: Sandbox,
        action: str,
        event: Any,
        read_summary: Callable[[Any], dict[str, Any]] = lambda _answer: {},
    ) -> Any:
        """Invoke a function with an event, add a row about it, and return its answer.

        `read_summary` takes the answer and returns the video's summary, or nothing if there is
        none.
        """
        sandbox.forget_peaks()
        before_s, started_s = sandbox.usage.cpu_s, time.monotonic()
        answer = sandbox.api.invoke(event, TIMEOUT_S)
        wall_s, usage = time.monotonic() - started_s, sandbox.usage
        if answer.error:
            raise RuntimeError(f"{action}: {answer.document}")
        summary = read_summary(answer.document)
        self._add(
            Row(
                action,
                wall_s,
                usage.cpu_s - before_s,
                frames=summary.get("video_meta", {}).get("frames_decoded", 0),
                step=summary.get("sampling", {}).get("effective_step", 0.0),
                peak_rss_mb=usage.peak_rss_mb,
                max_usage_mb=usage.max_usage_mb,
                tmp_peak_mb=sandbox.tmp_peak_mb,
            )
        )
        self.require(action, "peak RSS in MB", usage.peak_rss_mb, MAX_PEAK_RSS_MB)
        return answer.document

    def upload(self, path: Path, analysis_id: str) -> dict[str, Any]:
        """Store a file as an upload does; return the event that the queue delivers for it."""
        key = f"users/budget/eye/{analysis_id}/original"
        self.s3.upload_file(str(path), BUCKET, key)
        notification = {
            "Records": [
                {
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Post",
                    "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}},
                }
            ]
        }
        return {
            "Records": [
                {
                    "messageId": "1",
                    "receiptHandle": "1",
                    "body": json.dumps(notification),
                    "attributes": {},
                    "messageAttributes": {},
                    "eventSource": "aws:sqs",
                    "eventSourceARN": "arn:aws:sqs:ap-northeast-2:000000000000:analysis",
                    "awsRegion": "ap-northeast-2",
                }
            ]
        }

    def read_summary(self, analysis_id: str) -> dict[str, Any]:
        """Read the summary that the function stored."""
        key = f"users/budget/eye/{analysis_id}/summary.json"
        body = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        summary: dict[str, Any] = json.loads(body)
        return summary

    def require(self, action: str, name: str, value: float, most: float) -> None:
        """Note a target as missed if `value` is above `most`, which have the same unit."""
        if value > most:
            self.missed.append(f"{action}: {name} {value:.2f}, expected at most {most:g}")

    def require_whole(self, action: str, summary: dict[str, Any], frames: int) -> None:
        """Note a recording of `frames` frames that was not covered to its last one as a miss."""
        if summary["video_meta"]["frames_decoded"] != frames or summary["partial"]:
            self.missed.append(
                f"{action}: {summary['video_meta']['frames_decoded']} of {frames} frames"
            )

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        print(_format(row), flush=True)


def run_short(budget: Budget, inputs: Path) -> None:
    """Measure the functions' start, and each action on a small file."""
    spec = _spec(width=1280, height=720)
    video = inputs / "short.mp4"
    write_clip(video, spec)
    import cv2

    picture = cv2.imencode(".jpg", render_frame(spec, 0.0))[1].tobytes()
    with budget.function(LIGHT) as light:
        budget.require("light function", "init CPU s", light.init_cpu_s, MAX_LIGHT_INIT_CPU_S)
        before_s = light.usage.cpu_s
        known = {"requestContext": {"authorizer": {"claims": {"sub": "budget"}}}}
        status = {"httpMethod": "GET", "path": f"/status/{'0' * 32}", **known}
        answer = budget.invoke(light, "GET /status, first", status)
        assert answer["statusCode"] == 404, answer
        spent_s = light.init_cpu_s + light.usage.cpu_s - before_s
        budget.require("GET /status", "init and call, CPU s", spent_s, MAX_LIGHT_INIT_CPU_S)
        budget.invoke(light, "GET /status, warm", status)
        upload = {"httpMethod": "POST", "path": "/uploads", "body": "{}", **known}
        answer = budget.invoke(light, "POST /uploads", upload)
        assert answer["statusCode"] == 200, answer
        event = {"httpMethod": "GET", "path": "/analyses", **known}
        answer = budget.invoke(light, "GET /analyses", event)
        assert len(json.loads(answer["body"])["analyses"]) == 1, answer
    with budget.function(WEBHOOK) as webhook:
        budget.require("webhook's function", "init CPU s", webhook.init_cpu_s, MAX_LIGHT_INIT_CPU_S)
    with budget.function(ANALYSIS) as function:
        budget.require("analysis function", "init CPU s", function.init_cpu_s, MAX_INIT_CPU_S)
        for name, value in (("first", 1.0), ("warm", 0.9)):
            # Use another parameter: with the same ones, it would be the same analysis.
            request = {
                "action": "analyze_image",
                "file_data": base64.b64encode(picture).decode(),
                "parameters": {"vpp_thresh": 0.06 * value},
            }
            answer = budget.invoke(function, f"analyze_image, {name}", request)
            assert answer["result"]["detected"], answer
        for name, step in (("first", 1), ("warm", 1), ("step 2", 2)):
            request = {
                "action": "analyze_video",
                "file_data": base64.b64encode(video.read_bytes()).decode(),
                "user_id": f"budget-{name.replace(' ', '-')}",
                "parameters": {"step": step},
            }
            action = f"analyze_video, 10 s of 720p30, {name}"
            answer = budget.invoke(function, action, request, lambda one: one["summary"])
            budget.require_whole(action, answer["summary"], spec.frame_count)
        budget.s3.upload_file(str(video), BUCKET, "cohorts/short.mp4")
        request = {"action": "process_s3_file", "s3_key": "cohorts/short.mp4"}
        action = "process_s3_file, 10 s of 720p30"
        answer = budget.invoke(function, action, request, lambda one: one["summary"])
        budget.require_whole(action, answer["summary"], spec.frame_count)


def run_long(budget: Budget, inputs: Path) -> None:
    """Measure recordings of the largest length, and a file that does not fit into /tmp."""
    # The noise gives the bit rates of a phone: about 7 and 8 Mbit/s, for which /tmp is large enough
    # and every frame can be tracked in time, and 15 Mbit/s, for which neither holds.
    for number, (name, spec, every_frame) in enumerate(
        (
            ("12,000 frames of 720p30", _spec(width=1280, height=720, noise_std=5.5), True),
            ("12,000 frames of 1080p30", _spec(width=1920, height=1080, noise_std=4.65), True),
            ("12,000 frames of 1080p30", _spec(width=1920, height=1080, noise_std=5.5), False),
        )
    ):
        video = inputs / f"long-{number}.mp4"
        write_clip(video, spec, repeats=LONG_FRAMES // spec.frame_count)
        name += f", {video.stat().st_size / 1e6:.0f} MB"
        summary = _run_upload(budget, video, name, number)
        video.unlink()
        budget.require_whole(name, summary, LONG_FRAMES)
        if every_frame and summary["sampling"]["effective_step"] != 1:
            budget.missed.append(f"{name}: step {summary['sampling']['effective_step']:.2f}, not 1")

    # The noise is hardly compressed, so that every part of the file is read, not only its ends.
    spec = _spec(width=1280, height=720, duration_s=2.0, noise_std=20.0, crf=6)
    video = inputs / "large.mp4"
    write_clip(video, spec)
    repeats = -(-LARGE_FILE_BYTES // video.stat().st_size)
    write_clip(video, spec, repeats=repeats)
    size = video.stat().st_size
    assert size >= LARGE_FILE_BYTES, size
    name = f"{size / 1e6:.0f} MB, {repeats * spec.frame_count} frames of 720p30, read in place"
    summary = _run_upload(budget, video, name, 9)
    budget.require_whole(name, summary, repeats * spec.frame_count)


def _run_upload(budget: Budget, video: Path, name: str, number: int) -> dict[str, Any]:
    analysis_id = f"{number:032x}"
    event = budget.upload(video, analysis_id)
    with budget.function(ANALYSIS) as function:
        answer = budget.invoke(function, name, event, lambda _: budget.read_summary(analysis_id))
    assert answer["batchItemFailures"] == [], answer
    budget.s3.delete_object(Bucket=BUCKET, Key=f"users/budget/eye/{analysis_id}/original")
    return budget.read_summary(analysis_id)


def _spec(**values: Any) -> ClipSpec:
    return ClipSpec(
        **{"duration_s": 10.0, **values},
        closures=(LidClosure(0.5, 0.2),),
        gaze=(GazePhase(1.0, -0.1),),
    )


_COLUMNS = ("wall s", "CPU s", "frames", "step", "CPU ms/frame", "RSS MB", "usage MB", "/tmp MB")


def _format(row: Row) -> str:
    each_ms = f"{1000 * row.cpu_s / row.frames:.2f}" if row.frames else ""
    cells = (
        f"{row.wall_s:.2f}",
        f"{row.cpu_s:.3f}",
        str(row.frames or ""),
        f"{row.step:.2f}" if row.step else "",
        each_ms,
        f"{row.peak_rss_mb:.0f}",
        f"{row.max_usage_mb:.0f}",
        f"{row.tmp_peak_mb:.1f}",
    )
    return f"{row.action:56}" + "".join(
        cell.rjust(len(name) + 2) for name, cell in zip(_COLUMNS, cells, strict=True)
    )


def main() -> None:
    """Run, print the table, write the JSON, and fail if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lambda_budget", description=__doc__)
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="from ./build_layer.sh")
    parser.add_argument("--long", action="store_true", help="12,000 frames, 600 MB (15 minutes)")
    parser.add_argument("--cold", action="store_true", help="empty the page cache before each init")
    parser.add_argument("--json", type=Path, help="write what was measured to this file")
    arguments = parser.parse_args()
    try:
        check_rights()
        cgroup = Cgroup("lambda-budget-trial")
        cgroup.remove()
    except SandboxUnavailableError as error:
        print(f"SKIPPED: the Lambda budget was not measured: {error}")
        return
    if not (arguments.dist / "function.zip").is_file():
        sys.exit(f"{arguments.dist} holds no function.zip: run ./build_layer.sh")
    print(
        f"{MEMORY_MB} MB, {CPU_SHARE:.3f} CPU, control groups of version {cgroup.version}, "
        f"{'cold' if arguments.cold else 'warm'} page cache"
    )
    print(" " * 56 + "".join(f"  {name}" for name in _COLUMNS))
    # Silence the server's log of every request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="lambda-budget-") as folder, run_aws() as aws:
        scratch = Path(folder)
        scratch.chmod(0o755)
        budget = Budget(arguments.dist, scratch, aws, arguments.cold)
        try:
            run_short(budget, scratch)
            if arguments.long:
                run_long(budget, scratch)
        finally:
            for log in scratch.glob("*.log"):
                for line in log.read_text(errors="replace").splitlines():
                    if '"level":"ERROR"' in line:
                        print(line, file=sys.stderr)
    if arguments.json:
        document = {
            "memory_mb": MEMORY_MB,
            "cpu_share": CPU_SHARE,
            "cold": arguments.cold,
            "rows": [asdict(row) for row in budget.rows],
            "missed": budget.missed,
        }
        arguments.json.write_text(to_json(document, indent=2) + "\n")
    if budget.missed:
        sys.exit("missed:\n" + "\n".join(budget.missed))
    print("every target was met")


if __name__ == "__main__":
    main()
