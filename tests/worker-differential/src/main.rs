//! Many seeds: `ostro-worker-differential FIRST COUNT`. Stops at the first difference.

use ostro_worker_differential::official::Official;
use ostro_worker_differential::seeds::{Counts, check};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let (first, count) = match (arguments.next(), arguments.next()) {
        (Some(Ok(first)), Some(Ok(count))) => (first, count),
        _ => (0, 1_000),
    };
    let mut official = Official::start().await;
    let mut counts = Counts::default();
    for seed in first..first + count {
        if let Err(error) = check(seed, &mut official, &mut counts).await {
            eprintln!("{error}");
            eprintln!("{counts:?}");
            std::process::exit(1);
        }
        if counts.seeds % 1_000 == 0 {
            println!("{counts:?}");
        }
    }
    println!("no difference: {counts:?}");
    std::process::exit(0);
}
