#!/usr/bin/env bash
# schemathesis against the OpenAPI document that a server of our own serves: no 5xx but 501 and 503, no answer that breaks its schema.
#   tests/official-sdk/schema.sh OSTRO [EXAMPLES]
set -euo pipefail
ostro=$(realpath "${1:?usage: schema.sh OSTRO [EXAMPLES]}")
examples=${2:-20}
here=$(cd "$(dirname "$0")" && pwd)
python=$(python3 "$here/../../conformance/environment.py" "$here/requirements-schema.txt")
data=$(mktemp -d)
read -r grpc http < <("$python" -c 'import socket
a, b = socket.socket(), socket.socket()
a.bind(("127.0.0.1", 0)); b.bind(("127.0.0.1", 0))
print(a.getsockname()[1], b.getsockname()[1])')
"$ostro" serve --data "$data" --listen "127.0.0.1:$grpc" --http-listen "127.0.0.1:$http" >"$data/log" 2>&1 &
server=$!
trap 'kill $server; wait $server 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$http/healthz" >/dev/null && break; sleep 0.1; done
# A workflow, so that more than refusals is met.
curl -fsS "http://127.0.0.1:$http/v1/workflows/register" -H 'content-type: application/json' -d '{"definitions": [{"name": "checked",
  "task_queue": "q", "input_schema": {"type": "object"}}], "deployment_name": "q", "worker_name": "w"}' >/dev/null
# It writes what failed beside where it runs.
cd "$data"
"$(dirname "$python")/st" --config-file "$here/schemathesis.toml" run "http://127.0.0.1:$http/openapi.json" \
    --max-examples "$examples" --seed 1 --phases examples,coverage,fuzzing --request-timeout 20 \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
    --exclude-path-regex '(/stream$|^/telemetry/)'
