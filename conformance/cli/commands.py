"""The commands, in the order in which they are run against a server of its own kind of names.

`{p}` is the prefix of all names of a run, `{q}` its task queue, other braces are what an earlier command told: a step with
`take` keeps values of its JSON by name. `fails` says that the reference refuses it; `waits` runs it until a moment later.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Step:
    line: str
    #: Name of a value, and the path of keys to it in the JSON.
    take: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Seconds before the command, for what the reference does a moment later.
    after: float = 0.0
    #: Parts of the answer that are known to differ, with the reason.
    but: dict[str, str] = dataclasses.field(default_factory=dict)


OPERATOR = [
    Step("operator cluster health"),
    Step("operator cluster describe"),
    Step("operator cluster system"),
    Step("operator cluster list"),
    Step("operator cluster remove --name nowhere"),
    Step("operator cluster upsert --frontend-address 127.0.0.1:1"),
    Step("operator namespace list"),
    Step("operator namespace describe default"),
    Step("operator namespace create {p}-ns --retention 72h --description text --email a@b.c --data k=v"),
    Step("operator namespace create {p}-ns"),
    Step("operator namespace update {p}-ns --description other --data l=w"),
    Step("operator namespace describe {p}-ns", after=1),
    Step("operator namespace delete {p}-ns --yes"),
    Step("operator namespace describe {p}-nowhere"),
    Step("operator search-attribute list"),
    Step("operator search-attribute create --name {u}Number --type Int"),
    Step("operator search-attribute create --name {u}Number --type Keyword"),
    Step("operator search-attribute create --name {u}Word --type Nonsense"),
    Step("operator search-attribute remove --name {u}Number --yes"),
    Step("operator search-attribute remove --name {u}Number --yes"),
    Step("operator nexus endpoint create --name {p}-e --target-namespace default --target-task-queue {q} --description text"),
    Step("operator nexus endpoint create --name {p}-e --target-namespace default --target-task-queue {q}"),
    Step("operator nexus endpoint get --name {p}-e"),
    Step("operator nexus endpoint list"),
    Step("operator nexus endpoint update --name {p}-e --target-task-queue {q}-2"),
    Step("operator nexus endpoint update --name {p}-e --target-task-queue {q}"),
    Step("operator nexus endpoint create --name {p}-u --target-url http://127.0.0.1:1/x"),
    Step("operator nexus endpoint delete --name {p}-u"),
]

WORKFLOW = [
    Step(
        "workflow start --type Wait --task-queue {q} --workflow-id {p}-w --memo k=1 --static-summary s --static-details d",
        take={"run": "runId"},
    ),
    Step("workflow start --type Wait --task-queue {q} --workflow-id {p}-w"),
    Step("workflow start --type Wait --task-queue {q} --workflow-id {p}-w --id-conflict-policy UseExisting"),
    Step("workflow start --type Wait --task-queue {q} --workflow-id {p}-w --id-conflict-policy Nonsense"),
    Step("workflow describe --workflow-id {p}-w", after=0.5),
    Step("workflow describe --workflow-id {p}-w --reset-points"),
    Step("workflow describe --workflow-id {p}-nowhere"),
    Step("workflow signal --workflow-id {p}-w --name say --input '\"hello\"'"),
    Step("workflow signal --workflow-id {p}-nowhere --name say"),
    Step("workflow query --workflow-id {p}-w --type words"),
    Step("workflow query --workflow-id {p}-w --type nonsense"),
    Step("workflow query --workflow-id {p}-w --type broken"),
    Step("workflow stack --workflow-id {p}-w"),
    Step("workflow metadata --workflow-id {p}-w"),
    Step("workflow update execute --workflow-id {p}-w --name add --input '\"word\"' --update-id {p}-u"),
    Step("workflow update start --workflow-id {p}-w --name slow --wait-for-stage accepted --update-id {p}-slow"),
    Step("workflow update describe --workflow-id {p}-w --update-id {p}-slow"),
    Step("workflow update describe --workflow-id {p}-w --update-id nonsense"),
    Step("workflow update result --workflow-id {p}-w --update-id {p}-u"),
    Step("workflow update execute --workflow-id {p}-w --name add --input '\"\"'"),
    Step("workflow show --workflow-id {p}-w"),
    Step("workflow pause --workflow-id {p}-w --reason why"),
    Step("workflow pause --workflow-id {p}-w"),
    Step("workflow describe --workflow-id {p}-w"),
    Step("workflow unpause --workflow-id {p}-w --reason go"),
    Step("workflow unpause --workflow-id {p}-w"),
    Step("workflow signal --workflow-id {p}-w --name go"),
    Step("workflow result --workflow-id {p}-w"),
    Step("workflow show --workflow-id {p}-w"),
    Step("workflow show --workflow-id {p}-w --follow"),
    Step("workflow trace --workflow-id {p}-w"),
    Step("workflow execute --type Echo --task-queue {q} --workflow-id {p}-x --input 1"),
    Step("workflow execute --type Fails --task-queue {q} --workflow-id {p}-f"),
    Step("workflow list --query 'WorkflowId STARTS_WITH \"{p}\"'", after=1),
    Step("workflow list --query 'WorkflowId STARTS_WITH \"{p}\"' --limit 1"),
    Step("workflow list --query 'Nonsense = 1'"),
    Step("workflow list --archived"),
    Step("workflow count --query 'WorkflowId STARTS_WITH \"{p}\"'"),
    Step("workflow count --query 'WorkflowId STARTS_WITH \"{p}\" GROUP BY ExecutionStatus'"),
    Step("workflow signal-with-start --type Wait --task-queue {q} --workflow-id {p}-s --signal-name say --signal-input '\"a\"'"),
    Step("workflow signal-with-start --type Wait --task-queue {q} --workflow-id {p}-s --signal-name say --signal-input '\"b\"'"),
    Step(
        "workflow execute-update-with-start --type Wait --task-queue {q} --workflow-id {p}-us --id-conflict-policy UseExisting --update-name add --update-input '\"a\"' --update-id {p}-uu"
    ),
    Step(
        "workflow start-update-with-start --type Wait --task-queue {q} --workflow-id {p}-us --id-conflict-policy UseExisting --update-name slow --update-wait-for-stage accepted --update-id {p}-u2"
    ),
    Step("workflow reset --workflow-id {p}-w --event-id 4 --reason again"),
    Step("workflow reset --workflow-id {p}-w --type FirstWorkflowTask --reason again"),
    Step("workflow reset --workflow-id {p}-w --type LastWorkflowTask --reason again", after=0.5),
    Step("workflow reset --workflow-id {p}-nowhere --event-id 4 --reason again"),
    Step(
        "workflow reset with-workflow-update-options --workflow-id {p}-w --type LastWorkflowTask --reason again --versioning-override-behavior auto_upgrade",
        after=0.5,
    ),
    Step("workflow update-options --workflow-id {p}-s --versioning-override-behavior auto_upgrade"),
    Step("workflow update-options --workflow-id {p}-s --versioning-override-behavior unspecified"),
    Step(
        "workflow update-options --workflow-id {p}-s --versioning-override-behavior pinned --versioning-override-deployment-name d --versioning-override-build-id b"
    ),
    Step("workflow cancel --workflow-id {p}-s"),
    Step("workflow cancel --workflow-id {p}-nowhere"),
    Step("workflow terminate --workflow-id {p}-us --reason enough"),
    Step("workflow terminate --workflow-id {p}-us --reason enough"),
    Step("workflow delete --workflow-id {p}-us --yes"),
    Step("workflow describe --workflow-id {p}-us", after=1, but={"exit code": "what is deleted is gone at once"}),
]

#: One batch at a time: the reference takes longer for each.
BATCHES = {"exit code": "the reference may still be busy with the batch before"}

BATCH = [
    Step("workflow start --type Wait --task-queue {q} --workflow-id {p}-b1"),
    Step("workflow start --type Wait --task-queue {q} --workflow-id {p}-b2"),
    Step(
        "workflow signal --query 'WorkflowId STARTS_WITH \"{p}-b\"' --name say --input '\"x\"' --reason why --yes",
        after=1,
        take={"job": "batchJobId"},
    ),
    Step("batch describe --job-id {job}", after=1.5),
    Step("batch describe --job-id nonsense"),
    Step("batch list"),
    Step("workflow cancel --query 'WorkflowId = \"{p}-b1\"' --reason why --yes", but=BATCHES),
    Step("workflow terminate --query 'WorkflowId STARTS_WITH \"{p}-b\"' --reason why --yes", after=1, but=BATCHES),
    Step(
        "workflow reset --query 'WorkflowId STARTS_WITH \"{p}-b\"' --type FirstWorkflowTask --reason why --yes",
        after=1,
        but=BATCHES,
    ),
    Step(
        "workflow update-options --query 'WorkflowId STARTS_WITH \"{p}-b\"' --versioning-override-behavior auto_upgrade --yes --reason why",
        after=1,
        but=BATCHES,
    ),
    Step("workflow delete --query 'WorkflowId STARTS_WITH \"{p}-b\"' --reason why --yes", after=1),
    Step("batch terminate --job-id {job} --reason why"),
]

SCHEDULE = [
    Step(
        "schedule create --schedule-id {p}-s --interval 1h --type Echo --task-queue {q} --workflow-id {p}-scheduled --input 1 --paused --notes text --overlap-policy BufferAll --remaining-actions 5 --catchup-window 1m"
    ),
    Step("schedule create --schedule-id {p}-s --interval 1h --type Echo --task-queue {q} --workflow-id {p}-scheduled"),
    Step(
        "schedule create --schedule-id {p}-c --cron '0 12 * * MON' --calendar '{{\"hour\":\"3\"}}' --type Echo --task-queue {q} --workflow-id {p}-cron --time-zone Europe/Berlin --jitter 1m"
    ),
    Step("schedule create --schedule-id {p}-bad --cron nonsense --type Echo --task-queue {q} --workflow-id {p}-bad"),
    Step("schedule describe --schedule-id {p}-s"),
    Step("schedule describe --schedule-id {p}-c"),
    Step("schedule describe --schedule-id {p}-nowhere"),
    Step("schedule toggle --schedule-id {p}-s --unpause --reason go"),
    Step("schedule toggle --schedule-id {p}-s --pause --reason wait"),
    Step("schedule trigger --schedule-id {p}-s"),
    Step(
        "schedule backfill --schedule-id {p}-s --start-time 2024-01-01T00:00:00Z --end-time 2024-01-01T02:00:00Z --overlap-policy AllowAll"
    ),
    Step("schedule update --schedule-id {p}-s --interval 2h --type Echo --task-queue {q} --workflow-id {p}-scheduled"),
    Step("schedule describe --schedule-id {p}-s", after=1),
    Step("schedule list-matching-times --schedule-id {p}-s --start-time 2024-01-01T00:00:00Z --end-time 2024-01-01T06:00:00Z"),
    Step("schedule list --query 'ScheduleId STARTS_WITH \"{p}\"'", after=1),
    Step("schedule list --query 'ScheduleId STARTS_WITH \"{p}\"' --long"),
    Step("schedule delete --schedule-id {p}-s"),
    Step("schedule delete --schedule-id {p}-c"),
    Step("schedule delete --schedule-id {p}-nowhere"),
]

ACTIVITY = [
    Step(
        "activity start --activity-id {p}-a --type echo --task-queue {q} --start-to-close-timeout 10s --input '\"x\"' --static-summary s"
    ),
    Step("activity result --activity-id {p}-a"),
    Step("activity describe --activity-id {p}-a"),
    Step("activity describe --activity-id {p}-nowhere"),
    Step("activity execute --activity-id {p}-x --type echo --task-queue {q} --start-to-close-timeout 10s --input '\"x\"'"),
    Step(
        "activity execute --activity-id {p}-y --type fail --task-queue {q} --start-to-close-timeout 10s --input '\"x\"' --retry-maximum-attempts 1"
    ),
    Step("activity start --activity-id {p}-l --type echo --task-queue {q}-nobody --start-to-close-timeout 10s --input '\"x\"'"),
    Step("activity start --activity-id {p}-l --type echo --task-queue {q}-nobody --start-to-close-timeout 10s"),
    Step("activity pause --activity-id {p}-l --reason why"),
    Step("activity describe --activity-id {p}-l"),
    Step("activity unpause --activity-id {p}-l"),
    Step("activity reset --activity-id {p}-l"),
    Step("activity update-options --activity-id {p}-l --start-to-close-timeout 20s"),
    Step("activity cancel --activity-id {p}-l --reason why"),
    Step("activity start --activity-id {p}-t --type echo --task-queue {q}-nobody --start-to-close-timeout 10s"),
    Step("activity terminate --activity-id {p}-t --reason why"),
    Step("activity list --query 'ActivityId STARTS_WITH \"{p}\"'", after=1),
    Step("activity count --query 'ActivityId STARTS_WITH \"{p}\"'"),
    Step("activity count --query 'ActivityId STARTS_WITH \"{p}\" GROUP BY ExecutionStatus'"),
    Step("activity delete --activity-id {p}-t --yes"),
    Step("workflow start --type Slow --task-queue {q} --workflow-id {p}-act"),
    Step("activity pause --workflow-id {p}-act --activity-id one --reason why", after=1),
    Step("workflow describe --workflow-id {p}-act"),
    Step("activity unpause --workflow-id {p}-act --activity-id one"),
    Step("activity update-options --workflow-id {p}-act --activity-id one --start-to-close-timeout 30s"),
    Step("activity reset --workflow-id {p}-act --activity-id one"),
    Step("activity complete --workflow-id {p}-act --activity-id one --result '\"by hand\"'", after=1),
    Step("workflow result --workflow-id {p}-act"),
    Step("activity fail --workflow-id {p}-act --activity-id one --reason no"),
]

NEXUS = [
    Step(
        "nexus operation start --endpoint {p}-e --service Shop --operation now --operation-id {p}-o --input '\"word\"' --schedule-to-close-timeout 10s"
    ),
    Step("nexus operation result --operation-id {p}-o"),
    Step("nexus operation describe --operation-id {p}-o"),
    Step(
        "nexus operation execute --endpoint {p}-e --service Shop --operation now --operation-id {p}-x --input '\"word\"' --schedule-to-close-timeout 10s"
    ),
    Step(
        "nexus operation execute --endpoint {p}-e --service Shop --operation now --operation-id {p}-f --input '\"operation-failed\"' --schedule-to-close-timeout 10s"
    ),
    Step(
        "nexus operation start --endpoint {p}-e --service Shop --operation now --operation-id {p}-o --input '\"word\"' --id-reuse-policy RejectDuplicate"
    ),
    Step("nexus operation start --endpoint nowhere --service Shop --operation now --operation-id {p}-n"),
    Step(
        "nexus operation start --endpoint {p}-e --service Shop --operation later --operation-id {p}-l --input '\"{p}-behind done\"'"
    ),
    Step("nexus operation describe --operation-id {p}-l", after=0.5),
    Step("nexus operation cancel --operation-id {p}-l --reason why"),
    Step(
        "nexus operation terminate --operation-id {p}-l --reason why",
        after=0.5,
        but={"exit code": "its cancellation is over already"},
    ),
    Step("nexus operation list --query 'Endpoint = \"{p}-e\"'", after=1),
    Step("nexus operation count --query 'Endpoint = \"{p}-e\"'"),
    Step("operator nexus endpoint delete --name {p}-e"),
    Step("operator nexus endpoint delete --name {p}-e"),
]

QUEUES = [
    Step("task-queue describe --task-queue {q}"),
    Step("task-queue describe --task-queue {q} --task-queue-type activity"),
    Step("task-queue describe --task-queue {q} --report-config"),
    Step("task-queue describe --task-queue {q} --legacy-mode"),
    Step("task-queue config set --task-queue {q} --task-queue-type activity --queue-rps-limit 50 --queue-rps-limit-reason why"),
    Step(
        "task-queue config set --task-queue {q} --task-queue-type activity --fairness-key-rps-limit-default 20 --fairness-key-rps-limit-reason why"
    ),
    Step("task-queue config set --task-queue {q} --task-queue-type activity --fairness-key-weight a=2.0"),
    Step("task-queue config get --task-queue {q} --task-queue-type activity"),
    Step(
        "task-queue config set --task-queue {q} --task-queue-type activity --queue-rps-limit default --fairness-key-rps-limit-default default"
    ),
    Step("task-queue config set --task-queue {q} --task-queue-type workflow --queue-rps-limit 5"),
    Step("task-queue list-partition --task-queue {q}"),
    Step("task-queue update-build-ids add-new-default --task-queue {q}-old --build-id 1.0"),
    Step("task-queue update-build-ids add-new-compatible --task-queue {q}-old --build-id 1.1 --existing-compatible-build-id 1.0"),
    Step("task-queue update-build-ids add-new-default --task-queue {q}-old --build-id 2.0"),
    Step("task-queue update-build-ids promote-set --task-queue {q}-old --build-id 1.0"),
    Step("task-queue update-build-ids promote-id-in-set --task-queue {q}-old --build-id 1.0"),
    Step("task-queue get-build-ids --task-queue {q}-old"),
    Step("task-queue get-build-id-reachability --task-queue {q}-old --build-id 1.0"),
    Step("task-queue versioning get-rules --task-queue {q}"),
    Step("task-queue versioning insert-assignment-rule --task-queue {q} --build-id 1 --yes"),
]

WORKERS = [
    Step("worker list --query 'TaskQueue = \"{q}\"'"),
    Step("worker count"),
    Step("worker describe --worker-instance-key nonsense"),
    Step("worker deployment create --name {p}-d"),
    Step("worker deployment create-version --deployment-name {p}-d --build-id 1"),
    Step("worker deployment list"),
    Step("worker deployment describe --name {p}-d"),
    Step("worker deployment describe --name {p}-nowhere"),
    Step("worker deployment set-current-version --deployment-name {p}-d --build-id 1 --allow-no-pollers --yes"),
    Step("worker deployment describe-version --deployment-name {p}-d --build-id 1"),
    Step("worker deployment update-version-metadata --deployment-name {p}-d --build-id 1 --metadata k=1"),
    Step("worker deployment set-current-version --deployment-name {p}-d --build-id nonsense --yes"),
    Step("worker deployment set-ramping-version --deployment-name {p}-d --build-id 2 --percentage 10 --allow-no-pollers --yes"),
    Step("worker deployment set-ramping-version --deployment-name {p}-d --build-id 2 --delete --yes"),
    Step("worker deployment manager-identity set --deployment-name {p}-d --manager-identity me --yes"),
    Step("worker deployment manager-identity unset --deployment-name {p}-d --yes"),
    Step("worker deployment set-current-version --deployment-name {p}-d --unversioned --yes"),
    Step("worker deployment describe --name {p}-d", after=1),
    Step("worker deployment delete-version --deployment-name {p}-d --build-id 1 --skip-drainage"),
    Step("worker deployment delete --name {p}-d"),
]

#: Of the client alone, or with a server of its own: nothing of them reaches the server that is compared.
LEFT_OUT = {
    "server start-dev": "starts another server; Ostro's own is `ostro server start-dev`",
    "workflow fix-history-json": "reads and writes files only",
    "env, config, completion, options, help": "of the client alone",
}

STEPS = [*OPERATOR, *WORKFLOW, *BATCH, *SCHEDULE, *ACTIVITY, *NEXUS, *QUEUES, *WORKERS]
