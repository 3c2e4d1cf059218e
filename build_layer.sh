#!/usr/bin/env bash
# Build the zips for AWS Lambda (python3.12, Amazon Linux 2023). dist/layer-*.zip hold the packages
# that requirements.lock pins. dist/function.zip holds this project, with its kernels compiled ahead
# of time. The same input gives the same zips. Then check them; see deploy/bundle.py.
#
# Needs Linux, Python 3.12, a C compiler and binutils. Usage: ./build_layer.sh [--arch ARCHITECTURE]
# with x86_64 (the default) or arm64. The kernels are compiled on a machine of that architecture. On
# another one, with its cross compiler, only the layers are built and checked, in build/unchecked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# A file's bytes could depend on these: the order of sets in .pyc files, sorting, permissions.
export PYTHONHASHSEED=0 LC_ALL=C TZ=UTC
umask 022
export SVT_LOG=1  # the AV1 encoder of the test clips prints only errors

readonly STAGE=build/lambda UNCHECKED=build/unchecked DIST=dist
readonly SITE=python VENV_PYTHON=.venv/bin/python
readonly FUNCTION=$STAGE/function

main() {
  local tool
  choose_architecture "$@"
  for tool in "$CC" "$STRIP" readelf make; do
    command -v "$tool" >/dev/null || fail "$tool is missing. Debian: apt-get install $TOOLS"
  done
  PYTHON=$(./find_python.sh 3.12)
  make --silent setup PYTHON="$PYTHON"
  "$VENV_PYTHON" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' ||
    fail ".venv is not of Python 3.12, Lambda's. Run: make clean && make setup PYTHON=$PYTHON"
  rm -rf "$STAGE" "$UNCHECKED"
  mkdir -p "$FUNCTION" "$UNCHECKED"

  # A zip of at most 50 MB can be uploaded directly, so OpenCV is split into two layers. The light
  # function needs only the base layer.
  install_packages layer-base aws-lambda-powertools boto3 botocore jinja2 jmespath markupsafe \
    multipart python-dateutil s3transfer six typing-extensions urllib3
  install_packages layer-litert ai-edge-litert numpy pi-heif
  install_packages layer-opencv opencv-python-headless
  # The authorizer stands alone: it has no layer, and its libraries none of the other functions need.
  install_packages authorizer pyjwt cryptography cffi pycparser typing-extensions
  mkdir -p "$STAGE/layer-ffmpeg/$SITE"
  mv "$STAGE/layer-opencv/$SITE/opencv_python_headless.libs" "$STAGE/layer-ffmpeg/$SITE/"

  prune
  "$VENV_PYTHON" -m deploy.symbol_versions \
    "$STAGE/layer-litert/$SITE/ai_edge_litert/libpywrap_litert_common.so"
  replace_openblas
  strip_libraries
  add_authorizer
  compile_bytecode "$STAGE/authorizer" /var/task
  local layer
  for layer in "$STAGE"/layer-*/; do compile_bytecode "$layer" /opt; done
  if [ "$MACHINE" != "$(uname -m)" ]; then
    rmdir "$FUNCTION"
    "$VENV_PYTHON" -m deploy.bundle pack "$STAGE" "$UNCHECKED"
    "$VENV_PYTHON" -m deploy.bundle verify "$UNCHECKED"
    fail "the layers in $UNCHECKED have the right size and libraries, but were not run. The" \
      "function is missing: its kernels are compiled on a machine of the architecture $ARCH."
  fi
  rm -rf "$DIST"
  add_function
  compile_bytecode "$FUNCTION" /var/task

  # Zips that fail the check never reach the directory that is deployed.
  "$VENV_PYTHON" -m deploy.bundle pack "$STAGE" "$UNCHECKED"
  "$VENV_PYTHON" -m deploy.bundle verify "$UNCHECKED" --python "$PYTHON"
  mv "$UNCHECKED" "$DIST"
}

# Set ARCH, Lambda's name of the architecture, MACHINE, everyone else's, and the tools for it.
choose_architecture() {
  case $*,$(uname -m) in
    ,* | "--arch x86_64,"*) ARCH=x86_64 MACHINE=x86_64 ;;
    "--arch arm64,"*) ARCH=arm64 MACHINE=aarch64 ;;
    *) fail "usage: ./build_layer.sh [--arch x86_64|arm64]" ;;
  esac
  CC=cc STRIP=strip TOOLS="build-essential binutils"
  if [ "$MACHINE" != "$(uname -m)" ]; then
    CC=$MACHINE-linux-gnu-gcc STRIP=$MACHINE-linux-gnu-strip TOOLS=gcc-${MACHINE/_/-}-linux-gnu
  fi
}

fail() {
  echo "build_layer.sh: $*" >&2
  exit 1
}

# install_packages LAYER PACKAGE...: install the locked versions for Lambda, not for this machine.
install_packages() {
  local layer=$1 names
  shift
  names=" $* "
  awk -v names="$names" '
    /^[^ #]/ { wanted = index(names, " " substr($1, 1, index($1, "==") - 1) " ") > 0 }
    wanted' requirements.lock >"$STAGE/$layer.lock"
  [ "$(grep -c '==' "$STAGE/$layer.lock")" -eq $# ] ||
    fail "requirements.lock does not hold each of$names once. Run: make lock"
  "$VENV_PYTHON" -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
    --no-compile --only-binary :all: --python-version 3.12 --implementation cp \
    --abi cp312 --abi abi3 --abi none --platform "manylinux_2_34_$MACHINE" \
    --platform "manylinux_2_28_$MACHINE" --platform "manylinux_2_27_$MACHINE" \
    --platform "manylinux_2_17_$MACHINE" --platform "manylinux2014_$MACHINE" \
    --root-user-action ignore --requirement "$STAGE/$layer.lock" --target "$STAGE/$layer/$SITE"
}

# Remove unused files. If a needed file is removed by mistake, deploy/bundle.py notices.
prune() {
  local site
  for site in "$STAGE"/layer-*/"$SITE" "$STAGE/authorizer/$SITE"; do
    rm -rf "${site:?}/bin"
    find "$site" -type d \( -name tests -o -name __pycache__ \) -prune -exec rm -rf {} +
    find "$site" -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.a' -o -name '*.h' \
      -o -name '*.c' -o -name py.typed \) -delete
    # Keep only the licences and the versions of the metadata.
    find "$site" -path '*.dist-info/*' -type f ! -name METADATA ! -ipath '*licen[cs]e*' \
      ! -ipath '*notice*' -delete
  done

  site=$STAGE/layer-base/$SITE
  # The SDK describes every service. Only these are used.
  find "$site/botocore/data" "$site/boto3/data" -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name dynamodb ! -name sqs ! -name stepfunctions ! -name secretsmanager \
    -exec rm -rf {} +
  rm -rf "$site/boto3/examples"
  # No function serves a page to try the API on.
  find "$site/aws_lambda_powertools" -path '*/swagger_ui/*' ! -name '*.py' -type f -delete

  site=$STAGE/layer-litert/$SITE
  rm -rf "$site"/numpy/{f2py,_pyinstaller,doc} "$site"/numpy/_core/{lib,include} \
    "$site"/numpy/random/{lib,_examples} "$site"/numpy/_core/_simd.*
  # Keep the interpreter and its library. The wheel also holds a second runtime, tools and schemas.
  find "$site/ai_edge_litert" -type f ! -name __init__.py ! -name interpreter.py \
    ! -name 'metrics_*.py' ! -name '_pywrap_litert_interpreter_wrapper*' \
    ! -name 'libpywrap_litert_common*' -delete
  find "$site/ai_edge_litert" -type d -empty -delete
  # Its library alone decodes HEIC; the Python around it needs Pillow.
  rm -rf "$site/pi_heif"

  rm -rf "$STAGE/layer-opencv/$SITE"/cv2/data/*.xml
}

# OpenCV links OpenBLAS, which is 42 MB with its runtime library, for the algebra of large matrices.
# Nothing here asks for that. Put a library in its place that has the functions which OpenCV names;
# each ends the process and says so, for a wrong number would be worse.
replace_openblas() {
  local libraries=$STAGE/layer-ffmpeg/$SITE/opencv_python_headless.libs source=$STAGE/openblas.c
  local openblas name
  openblas=$(find "$libraries" -name 'libopenblas*.so*')
  [ -f "$openblas" ] || fail "OpenCV has no single libopenblas to replace: look at $libraries"
  printf '#include <stdio.h>\n#include <stdlib.h>\n' >"$source"
  comm -12 <(list_symbols undefined "$STAGE/layer-opencv/$SITE/cv2/cv2.abi3.so") \
    <(list_symbols defined "$openblas") |
    while read -r name; do
      printf 'void %s(void) {\n  fputs("OpenCV called %s of OpenBLAS, %s", stderr);\n  abort();\n}\n' \
        "$name" "$name" 'which build_layer.sh leaves out\n'
    done >>"$source"
  "$CC" -Os -g0 -shared -fPIC -Wl,--build-id=none -Wl,-soname,"${openblas##*/}" \
    -o "$openblas" "$source"
  rm -f "$libraries"/libgfortran* "$libraries"/libquadmath*  # OpenBLAS alone needs them
}

# list_symbols defined|undefined LIBRARY: print the names of its dynamic symbols, sorted.
list_symbols() {
  readelf --dyn-syms --wide "$2" | awk -v wanted="$1" '
    $5 == "GLOBAL" && ($7 == "UND") == (wanted == "undefined") { sub(/@.*/, "", $8); print $8 }' |
    sort -u
}

# Strip every library that stays loadable. strip may misalign a library that auditwheel patched.
strip_libraries() {
  local library
  while IFS= read -r -d '' library; do
    "$STRIP" --strip-unneeded -o "$library.stripped" "$library"
    if is_aligned "$library.stripped"; then mv "$library.stripped" "$library"
    else rm "$library.stripped"; fi
  done < <(find "$STAGE" -type f -name '*.so*' -print0)
}

is_aligned() {
  local kind offset address rest
  while read -r kind offset address rest; do
    if [ "$kind" = LOAD ] && (((offset - address) % ${rest##* } != 0)); then return 1; fi
  done < <(readelf --segments --wide "$1")
}

add_function() {
  # `make test` runs the same extension, so that it is compiled once for both.
  make --silent ahead PYTHON="$PYTHON"
  cp build/ahead/*.so "$FUNCTION"
  "$STRIP" --strip-unneeded "$FUNCTION"/*.so
  local package
  for package in kernels tracker handler; do
    mkdir -p "$FUNCTION/$package"
    find "$package" \( -name '*.py' -o -path '*/assets/*' \
      -o -path '*/templates/*' -o -path '*/face/models/*' \) -type f \
      ! -path '*/__pycache__/*' -exec cp --parents {} "$FUNCTION" \;
  done
  cp lambda_function.py "$FUNCTION"
}

# A function finds its libraries beside its code.
add_authorizer() {
  mv "$STAGE/authorizer/$SITE"/* "$STAGE/authorizer/"
  rmdir "$STAGE/authorizer/$SITE"
  cp --parents handler/{__init__,authorizer,errors,identity,keys,tokens}.py "$STAGE/authorizer"
}

# compile_bytecode DIRECTORY TARGET: compile for the path TARGET. The bytecode is not checked against
# the source at run time, because a zip does not keep the source's time stamp.
compile_bytecode() {
  "$PYTHON" -m compileall -q --invalidation-mode unchecked-hash -s "$1" -p "$2" "$1"/*
}

main "$@"
