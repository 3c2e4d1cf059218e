"""Attacks on the API: a short run of each in CI, a long one by `make attack`."""

import os

LONG = os.environ.get("ATTACK") == "long"
"""Whether this is the long run."""
