//! One property of the settings per test.

use std::collections::HashMap;

use temporalio_protos::temporal::api::{
    taskqueue::v1::RateLimit,
    workflowservice::v1::{
        UpdateTaskQueueConfigRequest,
        update_task_queue_config_request::RateLimitUpdate,
        update_worker_build_id_compatibility_request::{AddNewCompatibleVersion, MergeSets, Operation},
    },
};

use super::*;
use crate::base::error::ErrorKind;
use crate::base::time::Time;

fn queue() -> QueueKey {
    QueueKey::new(1, QueueKind::Activity, "a/b".to_owned())
}

fn records(writes: Vec<Write>) -> Vec<StoredRecord> {
    let record = |write| match write {
        Write::PutRecord { kind, key, value } => Some(StoredRecord { kind, key, value }),
        _ => None,
    };
    writes.into_iter().filter_map(record).collect()
}

#[test]
fn limits_and_weights_are_set_unset_and_come_back() {
    let mut settings = Settings::default();
    let limit = RateLimitUpdate { rate_limit: Some(RateLimit { requests_per_second: 2.5 }), reason: "why".into() };
    let request = UpdateTaskQueueConfigRequest {
        update_queue_rate_limit: Some(limit),
        set_fairness_weight_overrides: HashMap::from([("big".to_owned(), 3.0), ("small".to_owned(), 0.5)]),
        ..Default::default()
    };
    settings.update_config(&queue(), request, Time::from_nanos(10)).unwrap();
    let unset = UpdateTaskQueueConfigRequest {
        unset_fairness_weight_overrides: vec!["small".to_owned()],
        ..Default::default()
    };
    let (_, writes) = settings.update_config(&queue(), unset, Time::from_nanos(11)).unwrap();
    let restored = Settings::restore(&records(writes)).0;
    assert_eq!((restored.rates(&queue()).queue, restored.weight(&queue(), "big")), (Some(2.5), Some(3.0)));
    assert_eq!(restored.weight(&queue(), "small"), None);
    assert_eq!(restored.limits().collect::<Vec<_>>(), [(queue(), Rates { queue: Some(2.5), key: None })]);
    let lift = RateLimitUpdate { rate_limit: None, reason: String::new() };
    let request = UpdateTaskQueueConfigRequest { update_queue_rate_limit: Some(lift), ..Default::default() };
    settings.update_config(&queue(), request, Time::from_nanos(12)).unwrap();
    assert_eq!(settings.rates(&queue()), Rates::default());
}

#[test]
fn build_ids_move_between_sets_and_come_back() {
    let mut settings = Settings::default();
    let mut update = |operation| settings.update_build_ids(1, "q", operation);
    let compatible = |new: &str, existing: &str| {
        Operation::AddNewCompatibleBuildId(AddNewCompatibleVersion {
            new_build_id: new.to_owned(),
            existing_compatible_build_id: existing.to_owned(),
            make_set_default: false,
        })
    };
    update(Operation::AddNewBuildIdInNewDefaultSet("1.0".into())).unwrap();
    update(compatible("1.1", "1.0")).unwrap();
    update(Operation::PromoteBuildIdWithinSet("1.0".into())).unwrap();
    update(Operation::AddNewBuildIdInNewDefaultSet("2.0".into())).unwrap();
    assert_eq!(update(compatible("2.0", "1.0")).unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(update(compatible("9", "none")).unwrap_err().kind, ErrorKind::NotFound);
    update(Operation::PromoteSetByBuildId("1.0".into())).unwrap();
    let merge = MergeSets { primary_set_build_id: "2.0".into(), secondary_set_build_id: "1.0".into() };
    let writes = update(Operation::MergeSets(merge)).unwrap();
    let restored = Settings::restore(&records(writes)).0;
    let sets = restored.build_id_sets(1, "q", 0);
    assert_eq!(sets.len(), 1);
    assert_eq!(sets[0].build_ids, ["1.1", "1.0", "2.0"]);
    let reachable = |id: &str| restored.reachability(1, id, &[]).task_queue_reachability[0].reachability.clone();
    assert_eq!((reachable("2.0").len(), reachable("1.0").len()), (1, 0));
}
