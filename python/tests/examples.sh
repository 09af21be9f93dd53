#!/usr/bin/env bash
# A new environment with the wheel and what it asks for, and nothing else: every example must run in it.
#   tests/examples.sh WHEEL [PYTHON]
set -euo pipefail
wheel=$(realpath "$1")
python=${2:-python3}
examples=$(realpath "$(dirname "$0")/../examples")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$wheel"
for example in "$examples"/*.py; do
    name=$(basename "$example" .py)
    mkdir "$folder/$name"
    cp "$example" "$folder/$name/"
    (cd "$folder/$name" && env -i PATH=/usr/bin:/bin "$folder/venv/bin/python" "$name.py" >output) || {
        echo "$name failed" >&2
        exit 1
    }
    echo "$name: $(tail -n 1 "$folder/$name/output")"
done
