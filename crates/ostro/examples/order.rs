//! An order in three steps, undone in reverse when one of them fails for good.
//!
//! `cargo run --example order`

use ostro::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    item: String,
    cents: u32,
    address: String,
}

#[activity(start_to_close_timeout = "5s")]
async fn reserve(order: Order) -> Result<String> {
    println!("  reserve {}", order.item);
    Ok(format!("reservation of {}", order.item))
}

#[activity(start_to_close_timeout = "5s")]
async fn release(reservation: String) -> Result<()> {
    println!("  release {reservation}");
    Ok(())
}

/// The order's id is the key under which a payment service would recognise a second attempt.
#[activity(start_to_close_timeout = "30s", retry_policy_max_attempts = 5, retry_policy_non_retryable = ["CardRefused"])]
async fn charge(order: Order) -> Result<String> {
    if order.cents > 100_000 {
        return Err(Error::new("the card has a limit of 1000.00").with_type("CardRefused"));
    }
    println!("  charge {} cents for {}", order.cents, order.id);
    Ok(format!("payment of {} cents", order.cents))
}

#[activity]
async fn refund(payment: String) -> Result<()> {
    println!("  refund {payment}");
    Ok(())
}

#[activity(retry_policy_max_attempts = 3, retry_policy_initial_interval = "100ms")]
async fn ship(order: Order) -> Result<String> {
    if order.address.is_empty() {
        return Err(Error::new("there is no address to ship to"));
    }
    println!("  ship {} to {}", order.item, order.address);
    Ok(format!("parcel to {}", order.address))
}

/// What is to be undone, the last first. It runs to its end also when the workflow is cancelled.
enum Undo {
    Release(String),
    Refund(String),
}

async fn compensate(done: Vec<Undo>) -> Result<()> {
    for step in done.into_iter().rev() {
        match step {
            Undo::Release(reservation) => release(reservation).await?,
            Undo::Refund(payment) => refund(payment).await?,
        }
    }
    Ok(())
}

#[workflow(name = "order", execution_timeout = "7d")]
async fn fulfil(order: Order) -> Result<String> {
    let mut done = Vec::new();
    let result = steps(order, &mut done).await;
    if result.is_err() {
        workflow::shield(compensate(done)).await?;
    }
    result
}

async fn steps(order: Order, done: &mut Vec<Undo>) -> Result<String> {
    done.push(Undo::Release(reserve(order.clone()).await?));
    done.push(Undo::Refund(charge(order.clone()).await?));
    ship(order).await
}

#[tokio::main]
async fn main() -> Result<()> {
    let ostro = Ostro::ephemeral().await?;
    let worker = ostro.worker().spawn()?;
    let order = |id: &str, cents, address: &str| Order {
        id: id.to_owned(),
        item: "a hat".to_owned(),
        cents,
        address: address.to_owned(),
    };
    for (order, fails_with) in [
        (order("good", 4_900, "12 Mistral Road"), None),
        (order("too-dear", 200_000, "12 Mistral Road"), Some("CardRefused")),
        (order("lost", 4_900, ""), Some("Error")),
    ] {
        println!("order {}", order.id);
        match fulfil(order.clone()).id(format!("order-{}", order.id)).execute(&ostro).await {
            Ok(parcel) => println!("  done: {parcel}"),
            Err(error) if error.type_name() == fails_with => println!("  undone, because {error}"),
            Err(error) => return Err(error),
        }
    }
    worker.shutdown().await
}
