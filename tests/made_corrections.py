"""Files of corrections, as a report saves them."""

import json
from pathlib import Path
from typing import Any

SHA = "0123456789abcdef" * 4
"""Hash of the video that the corrections belong to."""


def make_corrections(**values: Any) -> dict[str, Any]:
    """Return a document by AB that removes every event; `values` replace or add its fields."""
    return {
        "corrections": 1,
        "recording": "clip.mp4",
        "video_sha256": SHA,
        "track_sha256": "",
        "by": "AB",
        "at": "2026-01-31T09:30:00Z",
        "why": "",
        "events": [],
        "unusable": [],
        "primary": None,
        **values,
    }


def write_corrections(path: Path, **values: Any) -> Path:
    """Write what `make_corrections` returns, and return the path."""
    path.write_text(json.dumps(make_corrections(**values)), encoding="utf-8")
    return path
