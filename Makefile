# The two commands: `make run VIDEO=clip.mp4` and `make test`. Both set the environment up first.

SHELL := bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
OUT := results
export VIDEO
KERNEL_TESTS = $(addprefix tests/test_,geometry.py pose.py closures.py gaze.py measures.py uncertainty.py)

.PHONY: help setup run test lint lock picture accuracy accuracy-baseline clean

help:
	@echo "make run VIDEO=clip.mp4   analyse a video (without VIDEO: a synthetic demo clip)"
	@echo "make test                 run the tests"
	@echo "make lint                 ruff and mypy"
	@echo "make picture              draw the README's picture from the demo clip"
	@echo "make accuracy             accuracy as synthetic clips get worse, and what moved (4 minutes)"
	@echo "make accuracy-baseline    the same; the results become those that are compared with"
	@echo "make lock                 resolve requirements.lock anew (needs uv)"
	@echo "make clean                remove the environment and all results"

setup: $(READY)

# Looks for Python 3.12, then 3.11: on the PATH (a pyenv shim there may be without a version behind
# it, so each is tried) and among pyenv's versions.
$(READY): requirements.lock pyproject.toml
	@set -euo pipefail; \
	for candidate in $(PYTHON) python3.12 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12*/bin/python \
	    python3.11 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.11*/bin/python python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 12), (3, 11)))' \
	      2>/dev/null; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$${python:-}" ]; then \
	  echo "No Python 3.12 or 3.11 found (MediaPipe 0.10.21 runs on no later one). Install one," >&2; \
	  echo "for example with 'pyenv install 3.12', or name it: make setup PYTHON=/path/to/python" >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$python" --version) (once)"; \
	rm -rf $(VENV); \
	if "$$python" -m venv $(VENV) >/dev/null 2>&1; then pip="$(PY) -m pip"; \
	else \
	  "$$python" -m venv --without-pip $(VENV); \
	  pip="$$python -m pip --python $(VENV)"; \
	fi; \
	$$pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements.lock; \
	$$pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	$(PY) -m kernels.warmup; \
	touch $@

run: setup
	@set -euo pipefail; \
	mkdir -p $(OUT); video=$$VIDEO; \
	if [ -z "$$video" ]; then \
	  video=$(OUT)/demo.mp4; \
	  if [ ! -e "$$video" ]; then $(VENV)/bin/eye-tracker synth "$$video"; fi; \
	fi; \
	$(VENV)/bin/eye-tracker analyze --out $(OUT) -- "$$video"

test: setup
	$(PY) -m pytest
	NUMBA_DISABLE_JIT=1 $(PY) -m pytest $(KERNEL_TESTS)

lint: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

picture: setup
	$(PY) -m benchmarks.picture docs/demo.png

accuracy: setup
	$(PY) -m benchmarks.accuracy --out $(OUT)/accuracy

accuracy-baseline: setup
	$(PY) -m benchmarks.accuracy --out docs

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --output-file requirements.lock

clean:
	rm -rf $(VENV) $(OUT)
