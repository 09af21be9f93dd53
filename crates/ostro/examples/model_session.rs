//! A model that is expensive to load and cheap to use: loaded once on one worker, used by many calls there.
//!
//! `cargo run --example model_session` runs two workers. Run it against a server (`OSTRO_ADDRESS=127.0.0.1:7233`) in several terminals and
//! kill the one that has the session: the calls move on within seconds, and the model is loaded again.

use std::sync::{Arc, Mutex};

use ostro::activity as act;
use ostro::prelude::*;

/// Counts letters: a stand-in for weights of many gigabytes.
struct Model {
    weights: Vec<u32>,
}

/// What each worker has in its memory.
#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Arc<Model>>>>);

fn slot() -> Slot {
    Slot::default()
}

async fn load() -> Arc<Model> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Arc::new(Model { weights: (0..26).map(|letter| letter % 5).collect() })
}

impl Slot {
    fn get(&self) -> Option<Arc<Model>> {
        self.0.lock().ok().and_then(|model| model.clone())
    }

    async fn fill(&self) -> Result<Arc<Model>> {
        if let Some(model) = self.get() {
            return Ok(model);
        }
        let model = load().await;
        *self.0.lock().map_err(|_| Error::new("the slot is poisoned"))? = Some(model.clone());
        println!("loaded on {}", act::info().map(|info| info.task_queue).unwrap_or_default());
        Ok(model)
    }
}

#[activity(sticky_to_worker)]
async fn load_model(#[depends(slot)] slot: Slot) -> Result<()> {
    slot.fill().await.map(drop)
}

#[activity(sticky_to_worker)]
async fn predict(text: String, #[depends(slot)] slot: Slot) -> Result<u32> {
    let model = match slot.get() {
        Some(model) => model,
        // The session has moved here from a worker that was lost.
        None if act::cold_start() => slot.fill().await?,
        None => return Err(Error::non_retryable("load_model first")),
    };
    let letters = text.bytes().filter(u8::is_ascii_lowercase);
    Ok(letters.map(|letter| model.weights[usize::from(letter - b'a')]).sum())
}

#[workflow(name = "ml-inference")]
async fn inference(batch: Vec<String>) -> Result<Vec<u32>> {
    run_sticky_worker_session(async {
        load_model().await?;
        workflow::try_join_all(batch.into_iter().map(predict)).await
    })
    .await
}

#[tokio::main]
async fn main() -> Result<()> {
    let ostro = match std::env::var(ostro::ADDRESS_VARIABLE) {
        Ok(address) => Ostro::connect(&address).await?,
        Err(_) => Ostro::ephemeral().await?,
    };
    let workers = [ostro.worker().spawn()?, ostro.worker().spawn()?];
    let batch = ["the south wind", "is a sister", "of the mistral"].map(str::to_owned).to_vec();
    println!("{:?}", inference(batch).execute(&ostro).await?);
    for worker in workers {
        worker.shutdown().await?;
    }
    Ok(())
}
