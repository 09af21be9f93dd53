//! Some seeds of the differential, each time others do not: `cargo run -p ostro-worker-differential -- FIRST COUNT` takes any.

use ostro_worker_differential::official::Official;
use ostro_worker_differential::seeds::{Counts, check};

#[tokio::test]
async fn both_cores_do_the_same() {
    let mut official = Official::start().await;
    let mut counts = Counts::default();
    for seed in 0..200 {
        if let Err(error) = check(seed, &mut official, &mut counts).await {
            panic!("{error}");
        }
    }
    // The tests mean something.
    assert!(counts.lives > 100 && counts.replays > 500 && counts.activations > 2_000, "{counts:?}");
    assert!(counts.changes_caught > 50 && counts.changes_caught < counts.changes, "{counts:?}");
}
