//! A person decides, within a time; meanwhile anybody can look, and the decision can be refused.
//!
//! `cargo run --example approval`

use ostro::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Decision {
    by: String,
    approved: bool,
}

#[activity]
async fn notify(text: String) -> Result<()> {
    println!("  -> {text}");
    Ok(())
}

struct Expense {
    cents: u32,
    decision: Var<Option<Decision>>,
}

#[workflow(name = "expense")]
impl Expense {
    /// What handlers look at is there before the first of them: a decision may come before the entrypoint has begun.
    #[init]
    fn new(cents: u32, _limit_s: u64) -> Self {
        Self { cents, decision: Var::default() }
    }

    #[entrypoint]
    async fn request(&self, cents: u32, limit_s: u64) -> Result<String> {
        notify(format!("please decide about {cents} cents")).await?;
        let decided = workflow::wait_condition(|| self.decision.with(Option::is_some));
        match workflow::timeout(Duration::from_secs(limit_s), decided).await {
            Ok(()) => {}
            Err(error) if error.is_timeout() => return Ok("nobody decided in time: refused".to_owned()),
            Err(error) => return Err(error),
        }
        let Some(Decision { by, approved }) = self.decision.get() else { return Err(Error::new("no decision")) };
        notify(format!("{by} has decided")).await?;
        Ok(format!("{} by {by}", if approved { "approved" } else { "refused" }))
    }

    /// Who waits for what.
    #[query]
    fn status(&self) -> String {
        match self.decision.get() {
            None => format!("{} cents wait for a decision", self.cents),
            Some(decision) => format!("{} has decided", decision.by),
        }
    }

    #[update]
    fn decide(&self, decision: Decision) -> String {
        let by = decision.by.clone();
        self.decision.set(Some(decision));
        format!("thank you, {by}")
    }

    #[validator(decide)]
    fn may_decide(&self, decision: &Decision) -> Result<()> {
        if self.decision.with(Option::is_some) {
            return Err(Error::new("it is decided already"));
        }
        if decision.approved && self.cents > 100_000 && decision.by != "the director" {
            return Err(Error::new("over 1000.00 only the director approves"));
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let ostro = Ostro::ephemeral().await?;
    let worker = ostro.worker().spawn()?;
    let decision = |by: &str| Decision { by: by.to_owned(), approved: true };

    let expense = Expense::request(250_000, 3600).id("expense-1").start(&ostro).await?;
    if let Err(refused) = expense.update(Expense::decide(decision("a colleague"))).await {
        println!("a colleague: {refused}");
    }
    println!("status: {}", expense.query(Expense::status()).await?);
    println!("the director: {}", expense.update(Expense::decide(decision("the director"))).await?);
    println!("expense-1 is {}", expense.result().await?);

    let late = Expense::request(100, 1).id("expense-2").start(&ostro).await?;
    println!("expense-2: {}", late.result().await?);
    worker.shutdown().await
}
