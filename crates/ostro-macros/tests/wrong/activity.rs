use ostro_macros::activity;

#[activity(start_to_close = "10m")]
async fn unknown_option() {}

#[activity(start_to_close_timeout = "ten minutes")]
async fn no_duration() {}

#[activity(heartbeat_timeout = 30)]
async fn no_unit() {}

#[activity]
async fn borrows(text: &str) -> usize {
    text.len()
}

#[activity]
async fn generic<T>(value: T) -> T {
    value
}

struct Service;

impl Service {
    #[activity]
    async fn method(&self) {}
}

#[activity]
struct NotAFunction;

fn main() {}
