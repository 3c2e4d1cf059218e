# The command line and the local server: see docs/install.md.
#
# Not built so far, for lack of Docker: its commands were run in an empty environment.
FROM python:3.12-slim-bookworm

WORKDIR /opt/eye-tracker
COPY pyproject.toml requirements.lock README.md LICENSE NOTICE ./
COPY kernels kernels
COPY tracker tracker
COPY handler handler
# The locked versions, without what only development needs.
RUN sed -n '/^[^ ]*==/s/ *\\$//p' requirements.lock >constraints.txt \
    && pip install --no-cache-dir --constraint constraints.txt ".[lab,tables]"

RUN useradd --create-home --uid 1000 eye-tracker && install --directory --owner eye-tracker /data
USER eye-tracker
WORKDIR /data
# The kernels are kept in this user's cache, compiled for the processor of the machine that builds.
RUN python -m kernels.warmup
CMD ["eye-tracker", "--help"]
