"""``python -m tracker``: the same as ``eye-tracker``."""

from tracker.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
