//! Some seeds of the differential; `cargo run -p ostro-worker-differential -- FIRST COUNT` takes any.

use ostro_worker_differential::official::Official;
use ostro_worker_differential::seeds::{Counts, check};

#[tokio::test]
async fn both_cores_do_the_same() {
    let mut official = Official::start().await;
    let mut counts = Counts::default();
    for seed in 0..30 {
        if let Err(error) = check(seed, &mut official, &mut counts).await {
            panic!("{error}");
        }
    }
    // The tests mean something.
    assert!(counts.lives > 20 && counts.replays > 100 && counts.activations > 500, "{counts:?}");
    assert!(counts.changes_caught > 10 && counts.changes_caught < counts.changes, "{counts:?}");
}
