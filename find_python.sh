#!/usr/bin/env bash
# Print a Python of the first version given that there is one of: PYTHON if it is set, on the PATH
# (a pyenv shim there may be without a version behind it, so each is tried), among pyenv's versions.
set -euo pipefail

is_version() {
  "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$2" 2>/dev/null
}

for version in ${PYTHON:+"$@"}; do
  if is_version "$PYTHON" "$version"; then echo "$PYTHON"; exit; fi
done
for version in "$@"; do
  for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version"*/bin/python \
      python3 python; do
    if is_version "$candidate" "$version"; then echo "$candidate"; exit; fi
  done
done
versions=$*
echo "No Python ${versions// / or } found." \
  "Install one, for example with 'pyenv install ${1}', or name it: PYTHON=/path/to/python" >&2
exit 1
