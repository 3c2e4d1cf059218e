# The two commands: `make run VIDEO=clip.mp4` and `make test`. Both set the environment up first.

SHELL := bash
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/ready
OUT := results
AHEAD := $(CURDIR)/build/ahead
TOOLS := build/tools
export VIDEO
# pytest rewrites every file of tests: without its bytecode, 20 s for each process.
unexport PYTHONDONTWRITEBYTECODE
KERNEL_TESTS = $(addprefix tests/kernels/test_,geometry.py pose.py closures.py gaze.py measures.py quantiles.py \
  uncertainty.py change.py looks.py crosstalk.py sampling.py refinement.py fixation.py flanks.py saccades.py pooling.py)

.PHONY: help setup run quick test test-long ahead attack chaos bench bench-short lint lint-deploy layers budget lock docs site picture accuracy extended fixation \
  accuracy-baseline cohorts saccades scale fuzz clean

help:
	@echo "make run VIDEO=clip.mp4   analyse a video (without VIDEO: a synthetic demo clip)"
	@echo "make quick                run the quick tests, in parallel (under a minute)"
	@echo "make test                 run all tests (those of pages need chromium)"
	@echo "make test-long            run the long form of all tests: more cases, clips and repeats"
	@echo "make attack               attack the API for long; a short attack is among the tests"
	@echo "make chaos                kill the workers of divided recordings, in thousands of ways (10 minutes)"
	@echo "make bench                run all benchmarks; fails if a ratio is out of its bounds"
	@echo "make bench-short          the same in a minute or two"
	@echo "make lint                 ruff and mypy"
	@echo "make ahead                compile the kernels as Lambda runs them (needs a C compiler)"
	@echo "make layers               build dist/ for AWS Lambda (needs a C compiler and binutils)"
	@echo "make budget               measure dist/ in Lambda's limits (needs root)"
	@echo "make lint-deploy          shellcheck, cfn-lint, checkov and sam validate"
	@echo "make docs                 write docs/outputs.md and the summary's schema from tracker/files/fields.py"
	@echo "make site                 run the documentation's commands, and build its site in build/site"
	@echo "make picture              draw the README's pictures from the demo clip (needs chromium)"
	@echo "make accuracy             measure accuracy as synthetic clips get worse; list changes (8 minutes)"
	@echo "make accuracy-baseline    the same, and keep the results as the new baseline"
	@echo "make cohorts              simulate 1,000 people of each kind; tables and picture in docs/ (8 minutes)"
	@echo "make scale                simulate long recordings and cohorts in AWS; tables in docs/"
	@echo "make saccades             simulate 1,000 recordings of saccades in each condition; docs/saccades.md (an hour)"
	@echo "make fuzz                 read 10,000 damaged videos (5 minutes; FIRST=SEED begins elsewhere)"
	@echo "make fixation             find square-wave jerks in 1,800 simulated recordings (a minute)"
	@echo "make extended             record the extended task in a browser, at its full length (4 minutes)"
	@echo "make lock                 resolve requirements.lock anew (needs uv)"
	@echo "make clean                remove the environment and all results"

setup: $(READY)

# $(call install,DIRECTORY,LOCK): make a virtual environment with the locked packages, checked by hash.
define install
set -euo pipefail; \
python=$$(PYTHON="$(PYTHON)" ./find_python.sh 3.12 3.11 3.13 3.14); \
echo "Setting up $(1) with $$("$$python" --version) (once)"; \
rm -rf $(1); \
if "$$python" -m venv $(1) >/dev/null 2>&1; then pip="$(1)/bin/python -m pip"; \
else \
  "$$python" -m venv --without-pip $(1); \
  pip="$$python -m pip --python $(1)"; \
fi; \
$$pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(2)
endef

$(READY): requirements.lock pyproject.toml
	@$(call install,$(VENV),requirements.lock); \
	$$pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	$(PY) -m kernels.warmup; \
	touch $@

$(TOOLS)/ready: deploy/requirements.lock
	@$(call install,$(TOOLS),$<); touch $@

run: setup
	@set -euo pipefail; \
	mkdir -p $(OUT); video=$$VIDEO; task=unknown; \
	if [ -z "$$video" ]; then \
	  video=$(OUT)/demo.mp4; task=up_down; \
	  if [ ! -e "$$video" ]; then $(VENV)/bin/eye-tracker synth "$$video"; fi; \
	fi; \
	$(VENV)/bin/eye-tracker analyze --task $$task --out $(OUT) -- "$$video"

# Each file's tests run in one process, so that they make shared data only once. The kernels are
# compiled first, because a program that compiles them says so on stderr, and tests read stderr.
PARALLEL := -n auto --dist loadfile

quick: setup
	$(PY) -m kernels.warmup
	$(PY) -m pytest $(PARALLEL) -m "not slow and not browser and not aws and not site"

# Browser tests run alone, because browsers record late on a busy machine. The kernels' own tests run
# twice more, with one in four of their cases: as plain Python, and as in Lambda, compiled ahead of
# time and without Numba. Processes that tests start find the latter kernels in KERNELS_EXTENSION, and
# start in a third of the time.
test: setup ahead
	$(PY) -m kernels.warmup
	KERNELS_EXTENSION=$(AHEAD) $(PY) -m pytest $(PARALLEL) -m "not browser and not site"
	KERNELS_EXTENSION=$(AHEAD) $(PY) -m pytest -m "browser and not site"
	KERNELS_AGAIN=1 NUMBA_DISABLE_JIT=1 $(PY) -m pytest $(KERNEL_TESTS)
	PYTHONPATH=$(AHEAD) $(PY) -c "import kernels, sys; sys.exit('numba' in sys.modules)"
	KERNELS_AGAIN=1 PYTHONPATH=$(AHEAD) $(PY) -m pytest $(KERNEL_TESTS)

# Tests that take long have a short form, which `make test` runs.
test-long: export TESTS := long
test-long: test

ahead: $(AHEAD)/ready

$(AHEAD)/ready: $(READY) $(wildcard kernels/*.py) deploy/compile_kernels.py
	@rm -rf $(AHEAD)
	$(PY) -m deploy.compile_kernels $(AHEAD)
	@touch $@

# The long form of the kill tests of divided recordings alone: thousands of cases.
chaos: setup
	TESTS=long $(PY) -m pytest tests/handler/test_chaos.py -k whatever -rP

# The long form of the attacks alone.
attack: setup
	TESTS=long $(PY) -m pytest tests/handler/attack -rP

bench bench-short: setup
	@mkdir -p $(OUT)/$@
	$(PY) -m pytest benchmarks $(if $(filter bench-short,$@),--short) --out $(OUT)/$@ \
	  --benchmark-json=$(OUT)/$@/raw.json

lint: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

lint-deploy: $(TOOLS)/ready
	$(TOOLS)/bin/shellcheck build_layer.sh find_python.sh .ci/run
	$(TOOLS)/bin/cfn-lint template.yaml
	$(TOOLS)/bin/checkov --file template.yaml --framework cloudformation --compact --quiet --skip-download
	AWS_DEFAULT_REGION=ap-northeast-2 SAM_CLI_TELEMETRY=0 $(TOOLS)/bin/sam validate --lint \
	  --template template.yaml

layers: setup
	./build_layer.sh

budget: setup
	$(PY) -m benchmarks.lambda_budget

docs: setup
	$(PY) -m tracker.files.dictionary

# A broken link is an error. The API reference comes from docstrings.
site: setup
	$(PY) -m pytest -m site
	$(PY) -m sphinx -E -W --keep-going -q -b html docs build/site

picture: setup
	$(PY) -m benchmarks.picture docs/demo.png
	$(PY) -m benchmarks.report_picture docs/report.png

cohorts: setup
	$(PY) -m tracker.lab.cohorts --out docs

# With MEASURE=--measure, first a real run in Lambda's CPU limit, which needs root (5 minutes).
MEASURE :=

scale: setup
	$(PY) -m benchmarks.scale $(MEASURE)

saccades: setup
	$(PY) -m benchmarks.saccades --out docs
	$(PY) -m benchmarks.step_intervals --out docs
	$(PY) -m benchmarks.rate_cohorts --out docs

accuracy: setup
	$(PY) -m benchmarks.accuracy --out $(OUT)/accuracy
	$(PY) -m benchmarks.saccades --recordings 50 --rendered 1 --out $(OUT)/accuracy

accuracy-baseline: setup
	$(PY) -m benchmarks.accuracy --out docs

FIRST := 0

fuzz: setup
	$(PY) -m tests.fuzz --files 10000 --first $(FIRST)

# Square-wave jerks in many more simulated recordings than the tests have.
fixation: setup
	FIXATION_RECORDINGS=200 $(PY) -m pytest tests/tracker/measures/test_fixation.py -k visible -rP

# The extended task in a browser, with the fake camera, at its full length; the tests record a twentieth of it.
extended: setup
	EXTENDED_SHARE=1 $(PY) -m pytest tests/test_browser.py -k extended

lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --output-file requirements.lock
	uv pip compile deploy/requirements.in --no-config --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --output-file deploy/requirements.lock

clean:
	rm -rf $(VENV) $(OUT) build dist
