use ostro::prelude::*;

struct NotJson;

#[activity]
async fn takes(value: NotJson) {
    drop(value);
}

fn needs_an_argument(number: u32) -> u32 {
    number
}

#[activity]
async fn depends_on_what_is_not_made(#[depends(needs_an_argument)] number: u32) -> u32 {
    number
}

fn main() {}
