#!/usr/bin/env bash
# Install into a virtual environment, made if need be, by the fastest way there is:
#
#     PYTHON=python3 tools/install.sh ENVIRONMENT WHAT-PIP-INSTALL-TAKES ...
#
# uv takes a tenth of pip's time. It is the one on the PATH, or one that pip puts into .venv. Where it cannot be
# had, or cannot reach the index that pip is configured for, pip does the whole.
set -euo pipefail
PYTHON=${PYTHON:-python3}
environment=$1
python=$environment/bin/python
shift

by_pip() {
    local pip=("$PYTHON" -m pip --python "$python")
    if ! "$PYTHON" -c "import pip" 2>/dev/null; then
        "$python" -m ensurepip >/dev/null # takes longer than all that uv does
        pip=("$python" -m pip)
    fi
    "${pip[@]}" install --quiet --disable-pip-version-check "$@"
}

# The system's authorities, as pip takes: a company's own is among them and not among those uv brings.
export UV_NATIVE_TLS=${UV_NATIVE_TLS-1}
[ -x "$python" ] || "$PYTHON" -m venv --without-pip "$environment"
uv=uv
if ! uv --version >/dev/null 2>&1; then
    uv=.venv/bin/uv
    [ -x "$uv" ] || by_pip --no-compile --require-hashes -r requirements-uv.lock || true
fi
"$uv" pip install --quiet --python "$python" "$@" || {
    echo "uv could not: pip installs it instead" >&2
    by_pip "$@"
}
