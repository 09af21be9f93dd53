//! The crate `ostro`.

use ostro::prelude::*;

use crate::rows::{self, Workflows};
use crate::{Arguments, Failure};

#[activity]
async fn increment(n: u32) -> u32 {
    rows::activity_begins();
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
    let mut n = 0;
    for _ in 0..count {
        n = run_activities_locally(increment(n)).await?;
    }
    Ok(n)
}

#[workflow]
async fn empty() -> Result<()> {
    Ok(())
}

struct Ours(Ostro);

impl Workflows for Ours {
    type Failure = Error;

    async fn regular(&self, count: u32) -> Result<()> {
        regular(count).execute(&self.0).await.map(drop)
    }

    async fn local(&self, count: u32) -> Result<()> {
        local(count).execute(&self.0).await.map(drop)
    }

    async fn empty(&self) -> Result<()> {
        empty().execute(&self.0).await
    }
}

pub async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = arguments.directory.join(format!("ostro-bench-{}.db", std::process::id()));
    let result = measured(arguments, &file).await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    Ok(result?)
}

async fn measured(arguments: &Arguments, file: &std::path::Path) -> Result<()> {
    let builder = Ostro::builder().task_queue(format!("bench-{}", std::process::id()));
    let ostro = match arguments.address.as_str() {
        "embedded" => builder.file(file).open().await?,
        address => builder.address(address)?.open().await?,
    };
    let worker = ostro.worker().spawn()?;
    rows::run(arguments, &Ours(ostro.clone())).await?;
    worker.shutdown().await?;
    ostro.shutdown().await;
    Ok(())
}
