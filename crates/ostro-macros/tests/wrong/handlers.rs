use ostro_macros::workflow;

#[derive(Default)]
struct NoEntrypoint;

#[workflow]
impl NoEntrypoint {
    #[query]
    fn value(&self) -> u32 {
        1
    }
}

#[derive(Default)]
struct TakesItForItself(u32);

#[workflow]
impl TakesItForItself {
    #[entrypoint]
    async fn execute(&mut self) -> Result<()> {
        self.0 += 1;
        Ok(())
    }
}

#[derive(Default)]
struct WrongHandlers;

#[workflow]
impl WrongHandlers {
    #[entrypoint]
    async fn execute(&self) -> Result<()> {
        Ok(())
    }

    #[query]
    async fn value(&self) -> u32 {
        1
    }
}

#[derive(Default)]
struct ValidatesNothing;

#[workflow]
impl ValidatesNothing {
    #[entrypoint]
    async fn execute(&self) -> Result<()> {
        Ok(())
    }

    #[validator(add)]
    fn check(&self, k: &u32) -> Result<()> {
        let _ = k;
        Ok(())
    }
}

fn main() {}
