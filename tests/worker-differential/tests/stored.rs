//! Histories that real workers and servers have written replay alike in both cores, at each of their tasks.

use ostro_worker_differential::author::prefixes;
use ostro_worker_differential::official::Official;
use ostro_worker_differential::ours;
use ostro_worker_differential::program::Program;
use temporalio_protos::temporal::api::history::v1::History;

const STORED: [(&str, &str); 4] = [
    ("counter", include_str!("../../rust-sdk/stored/counter.json")),
    ("mixed-workflow", include_str!("../../rust-sdk/stored/mixed-workflow.json")),
    ("nesting", include_str!("../../rust-sdk/stored/nesting.json")),
    ("random_values", include_str!("../../rust-sdk/stored/random_values.json")),
];

#[tokio::test]
async fn stored_histories_replay_alike() {
    let mut official = Official::start().await;
    for (name, json) in STORED {
        let history: History = ostro_wire::json::from_json(serde_json::from_str(json).unwrap()).unwrap();
        let program = Program::mirror(history.events.clone());
        for end in prefixes(&history.events).into_iter().chain([history.events.len()]) {
            let replayed = ours::replay(&program, &history.events[..end], &format!("{name}-{end}"), None);
            assert_eq!(replayed.failed, None, "{name}, {end} events");
            let checked = official.check(&program, &replayed.trace, replayed.exactly()).await;
            checked.unwrap_or_else(|error| panic!("{name}, {end} events: {error}"));
        }
    }
}
