#!/bin/sh
# Creates the virtual environment $1 and installs Interlock into it, with what its demo and tests need.
# A bare Debian has Python without venv's ensurepip: then virtualenv, from pip, does the same.
set -eu
venv=$1
python=$(command -v "${PYTHON:-python3.11}" || command -v python3)
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Interlock needs Python 3.11 or later; $python is older (set PYTHON=...)" >&2; exit 1; }
if [ ! -x "$venv/bin/pip" ]; then
  echo "creating $venv with $python ..."
  rm -rf "$venv"
  "$python" -m venv "$venv" 2>/dev/null || {
    rm -rf "$venv"
    "$python" -m pip install --quiet --break-system-packages virtualenv 2>/dev/null || "$python" -m pip install --quiet virtualenv
    "$python" -m virtualenv --quiet "$venv"
  }
fi
# All but torch, which is large; its tests are skipped without it.
extras='.[sklearn,mlflow,frames,postgres,images,grpc,xgboost,lightgbm,online,mqtt,alerts,fairness,xlsx,cleanlab,dev]'
echo "installing Interlock and its dependencies (one to three minutes the first time) ..."
"$venv/bin/python" -m pip install --disable-pip-version-check --progress-bar off --quiet --editable "$extras"
echo "installed"
