use ostro_macros::workflow;

#[workflow]
async fn sleeps() -> Result<()> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

#[workflow]
async fn looks_at_the_clock() -> Result<bool> {
    Ok(std::time::SystemTime::now() > std::time::UNIX_EPOCH)
}

#[workflow]
async fn spawns_and_selects() -> Result<()> {
    tokio::spawn(async {});
    tokio::select! {
        _ = workflow::sleep(Duration::from_secs(1)) => {}
        _ = workflow::sleep(Duration::from_secs(2)) => {}
    }
    Ok(())
}

#[workflow]
fn not_async() -> Result<()> {
    Ok(())
}

#[workflow]
async fn depends_on_something(#[depends(make)] number: u32) -> Result<u32> {
    Ok(number)
}

fn make() -> u32 {
    1
}

fn main() {}
