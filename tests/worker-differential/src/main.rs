//! Many seeds: `ostro-worker-differential FIRST COUNT`. Gives up after ten differences.

use ostro_worker_differential::cost::local_activity;
use ostro_worker_differential::official::Official;
use ostro_worker_differential::seeds::{Counts, check};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (first, count) = match (arguments.next(), arguments.next()) {
        (Some(Ok(first)), Some(Ok(count))) => (first, count),
        _ => (0, 1_000),
    };
    println!("a local activity costs {:?} in the core", local_activity(20_000));
    let mut official = Official::start().await;
    let (mut counts, mut differences) = (Counts::default(), 0);
    for seed in first..first + count {
        if let Err(error) = check(seed, &mut official, &mut counts).await {
            eprintln!("DIFFERENCE: {error}");
            differences += 1;
            // What is left of the run might disturb the next.
            official = Official::start().await;
        }
        if differences == 10 {
            break;
        }
        if counts.seeds % 1_000 == 0 {
            println!("{counts:?}");
        }
    }
    println!("{differences} differences: {counts:?}");
    std::process::exit(i32::from(differences > 0));
}
