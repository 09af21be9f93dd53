//! Calls in a workflow's code that would give another answer when it replays.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{Error, Result};

/// The end of a path, and what to write instead.
const REPLACEMENTS: &[(&[&str], &str)] = &[
    (&["tokio", "time", "sleep"], "ostro::workflow::sleep(duration)"),
    (&["time", "sleep"], "ostro::workflow::sleep(duration)"),
    (&["time", "sleep_until"], "ostro::workflow::sleep(duration)"),
    (&["time", "interval"], "a loop around ostro::workflow::sleep(duration)"),
    (&["time", "timeout"], "ostro::workflow::timeout(duration, future)"),
    (&["thread", "sleep"], "ostro::workflow::sleep(duration)"),
    (&["thread", "spawn"], "an activity, or ostro::workflow::spawn(future)"),
    (&["tokio", "spawn"], "ostro::workflow::spawn(future)"),
    (&["task", "spawn"], "ostro::workflow::spawn(future)"),
    (&["task", "spawn_local"], "ostro::workflow::spawn(future)"),
    (&["task", "spawn_blocking"], "an activity: a function without `async` runs on a thread of its own"),
    (&["SystemTime", "now"], "ostro::workflow::now()"),
    (&["Instant", "now"], "ostro::workflow::now()"),
    (&["Utc", "now"], "ostro::workflow::now()"),
    (&["Local", "now"], "ostro::workflow::now()"),
    (&["Zoned", "now"], "ostro::workflow::now()"),
    (&["Timestamp", "now"], "ostro::workflow::now()"),
    (&["OffsetDateTime", "now_utc"], "ostro::workflow::now()"),
    (&["rand", "random"], "ostro::workflow::random()"),
    (&["rand", "rng"], "ostro::workflow::random()"),
    (&["rand", "thread_rng"], "ostro::workflow::random()"),
    (&["fastrand"], "ostro::workflow::random()"),
    (&["Uuid", "new_v4"], "ostro::workflow::uuid4()"),
    (&["Uuid", "now_v7"], "ostro::workflow::uuid4()"),
    (&["env", "var"], "an argument of the workflow, or an activity that reads it"),
    (&["std", "fs"], "an activity that does the I/O"),
    (&["tokio", "fs"], "an activity that does the I/O"),
    (&["tokio", "net"], "an activity that does the I/O"),
    (&["std", "net"], "an activity that does the I/O"),
    (&["tokio", "process"], "an activity that runs it"),
    (&["reqwest"], "an activity that makes the request"),
];

pub fn check(body: &TokenStream) -> Result<()> {
    let mut errors: Option<Error> = None;
    walk(body.clone(), &mut |error| match &mut errors {
        Some(first) => first.combine(error),
        none => *none = Some(error),
    });
    errors.map_or(Ok(()), Err)
}

fn walk(tokens: TokenStream, report: &mut impl FnMut(Error)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Group(group) => walk(group.stream(), report),
            TokenTree::Ident(_) => {
                let (path, span, next) = path(&tokens, at);
                if let Some(error) = wrong_path(&path, span).or_else(|| wrong_macro(&path, span, &tokens[next..])) {
                    report(error);
                }
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// The identifiers of the path that begins at `start`, and where it ends.
fn path(tokens: &[TokenTree], start: usize) -> (Vec<String>, Span, usize) {
    let mut path = vec![tokens[start].to_string()];
    let mut at = start + 1;
    while is_colon(tokens.get(at)) && is_colon(tokens.get(at + 1)) {
        let Some(TokenTree::Ident(ident)) = tokens.get(at + 2) else { break };
        path.push(ident.to_string());
        at += 3;
    }
    (path, tokens[start].span(), at)
}

fn is_colon(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':')
}

fn wrong_path(path: &[String], span: Span) -> Option<Error> {
    // A lone word is a variable or a method more often than an import.
    if path.len() < 2 || matches!(path[0].as_str(), "ostro" | "workflow" | "activity") {
        return None;
    }
    let (_, instead) = REPLACEMENTS
        .iter()
        .find(|(wrong, _)| path.windows(wrong.len()).any(|part| part.iter().zip(*wrong).all(|(a, b)| a == b)))?;
    Some(Error::new(
        span,
        format!("`{}` gives another answer when the workflow replays: use {instead}", path.join("::")),
    ))
}

/// `select!` of tokio and futures polls in random order, `tokio::join!` in an order that depends on how often it was polled.
fn wrong_macro(path: &[String], span: Span, after: &[TokenTree]) -> Option<Error> {
    if !matches!(after.first(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
        return None;
    }
    let name: Vec<&str> = path.iter().map(String::as_str).collect();
    let instead = match name.as_slice() {
        ["tokio", "select"] if is_biased(after.get(1)) => return None,
        ["tokio" | "futures" | "futures_util", "select"] => "ostro::workflow::select!",
        ["tokio", "join"] => "ostro::workflow::join!",
        ["tokio", "try_join"] => "ostro::workflow::try_join!",
        _ => return None,
    };
    Some(Error::new(
        span,
        format!("`{}!` polls its branches in an order that a replay does not repeat: use {instead}", path.join("::")),
    ))
}

fn is_biased(body: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = body else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(first)) if first == "biased")
}
