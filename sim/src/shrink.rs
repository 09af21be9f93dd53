//! Makes a failing run smaller, as long as it still fails.

use ostro_engine::time::{MILLISECOND, SECOND};

use crate::{Options, run};

/// The smallest options found that still fail, with what they fail with.
pub fn shrink(failing: &Options) -> (Options, String) {
    let mut best = failing.clone();
    let mut error = run(&best).err().unwrap_or_else(|| "it does not fail when run again".to_owned());
    loop {
        let fails =
            |options: Options| run(&options).err().filter(|e| is_alike(e, &error)).map(|error| (options, error));
        let found = smaller(&best).into_iter().find_map(fails);
        match found {
            Some((options, found)) => (best, error) = (options, found),
            None => return (best, error),
        }
    }
}

/// Whether two failures say the same, numbers and names aside.
fn is_alike(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        text.split(' ').filter(|w| w.chars().all(char::is_alphabetic)).take(8).map(str::to_owned).collect::<Vec<_>>()
    };
    words(a) == words(b)
}

fn smaller(of: &Options) -> Vec<Options> {
    let mut all = Vec::new();
    let mut push = |change: fn(&mut Options)| {
        let mut options = of.clone();
        change(&mut options);
        // As much as the command that shows it again can say.
        options.horizon = options.horizon / MILLISECOND * MILLISECOND;
        let differs = (options.faults, options.workflows, options.calls, options.horizon)
            != (of.faults, of.workflows, of.calls, of.horizon);
        if differs && options.workflows > 0 && options.calls > 0 && options.horizon >= SECOND {
            all.push(options);
        }
    };
    push(|o| o.faults = false);
    push(|o| o.workflows = 1);
    push(|o| o.calls /= 2);
    push(|o| o.horizon = o.horizon / 2);
    push(|o| o.workflows -= 1);
    push(|o| o.calls -= 1);
    push(|o| o.calls -= o.calls / 4);
    push(|o| o.horizon = o.horizon * 3 / 4);
    all
}
