//! The crate `ostro`.

use ostro::prelude::*;

use crate::{Arguments, measure, report};

#[activity]
async fn increment(n: u32) -> u32 {
    n + 1
}

#[workflow]
async fn regular(count: u32) -> Result<u32> {
    let mut n = 0;
    for _ in 0..count {
        n = increment(n).await?;
    }
    Ok(n)
}

#[workflow]
async fn local(count: u32) -> Result<u32> {
    run_activities_locally(regular_body(count)).await
}

async fn regular_body(count: u32) -> Result<u32> {
    let mut n = 0;
    for _ in 0..count {
        n = increment(n).await?;
    }
    Ok(n)
}

#[workflow]
async fn empty() -> Result<()> {
    Ok(())
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let queue = format!("bench-{}", std::process::id());
    let builder = Ostro::builder().task_queue(queue);
    let file = std::env::temp_dir().join(format!("ostro-bench-{}.db", std::process::id()));
    let ostro = match arguments.address.as_str() {
        "embedded" => builder.file(&file).open().await?,
        address => builder.address(address)?.open().await?,
    };
    let worker = ostro.worker().spawn()?;
    let count = arguments.count;
    // Caches, connections and pollers warm.
    regular(20).execute(&ostro).await?;

    let spent = measure(async { regular(count).execute(&ostro).await.map(drop) }).await?;
    report(arguments, "regular activity, one after the other", &spent, count);
    let locals = count * 10;
    let spent = measure(async { local(locals).execute(&ostro).await.map(drop) }).await?;
    report(arguments, "local activity, one after the other", &spent, locals);
    let spent = measure(async {
        for _ in 0..count {
            empty().execute(&ostro).await?;
        }
        Ok::<_, Error>(())
    })
    .await?;
    report(arguments, "empty workflow, start to result", &spent, count);
    worker.shutdown().await?;
    ostro.shutdown().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    Ok(())
}
