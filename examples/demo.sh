#!/usr/bin/env bash
# The main job: an Ostro server, and on it the same workflow by workers of Temporal's own Python and Rust SDKs.
#   examples/demo.sh OSTRO_BINARY RUST_EXAMPLE_BINARY
set -euo pipefail
cd "$(dirname "$0")/.."
ostro=$1
rust_example=$2
text=examples/temporal-python/loomings.txt
port=${DEMO_PORT:-7243}
data=$(mktemp -d)

python=$(python3 conformance/environment.py examples/temporal-python/requirements.txt)

"$ostro" serve --data "$data" --listen "127.0.0.1:$port" --http-listen 127.0.0.1:0 --log-level warn &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$data"' EXIT

for _ in $(seq 100); do
    "$ostro" workflow --address "127.0.0.1:$port" count >/dev/null 2>&1 && break
    sleep 0.1
done

echo
echo "== Python: the official package temporalio"
"$python" examples/temporal-python/main.py --address "127.0.0.1:$port" "$text"
echo
echo "== Rust: the official crate temporalio-sdk"
"$rust_example" --address "127.0.0.1:$port" "$text"
echo
echo "== What the server has of it"
"$ostro" workflow --address "127.0.0.1:$port" list
