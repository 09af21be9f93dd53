//! Activities in processes of their own.
//!
//! The process is this same program with an environment variable set. It reads the call from its standard input, and
//! writes heartbeats and the result as lines with a prefix to its standard output; other lines of it are passed through.

use std::io::Write;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::activity::attempt::Attempt;
use crate::activity::functions::{ActivityInfo, SessionInfo, complete_later};
use crate::error::{Error, ErrorKind, Result};
use crate::payload::Payload;
use crate::registry::Registry;

/// Set in such a process; its value is the prefix of the lines that are meant for the worker.
const VARIABLE: &str = "OSTRO_ISOLATED_ACTIVITY";

#[derive(Serialize, Deserialize)]
struct Call {
    name: String,
    arguments: Vec<Wire>,
    info: ActivityInfo,
    token: Option<Vec<u8>>,
    last_details: Option<Wire>,
    session: Option<SessionInfo>,
}

#[derive(Serialize, Deserialize)]
enum Said {
    Heartbeat(Wire),
    Result(Wire),
    CompletesLater,
    Error { message: String, type_name: Option<String>, non_retryable: bool, details: Vec<Wire> },
}

/// A payload of JSON, as JSON.
#[derive(Serialize, Deserialize)]
struct Wire {
    encoding: String,
    data: String,
}

impl From<&Payload> for Wire {
    fn from(payload: &Payload) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            encoding: payload.metadata.get("encoding").map(|e| text(e)).unwrap_or_default(),
            data: text(&payload.data),
        }
    }
}

impl From<Wire> for Payload {
    fn from(wire: Wire) -> Self {
        let metadata = [("encoding".to_owned(), wire.encoding.into_bytes())].into();
        Payload { metadata, data: wire.data.into_bytes(), ..Default::default() }
    }
}

/// Runs an activity in a process of its own, which is killed when the future is dropped.
pub(crate) fn run(
    name: &'static str,
    arguments: Vec<Payload>,
    attempt: Arc<Attempt>,
) -> BoxFuture<'static, Result<Payload>> {
    async move {
        let prefix = format!("\u{1}ostro-{}:", uuid::Uuid::new_v4());
        let program = std::env::current_exe()?;
        let mut child = Command::new(&program)
            .env(VARIABLE, &prefix)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Error::new(format_args!("cannot start {} for activity `{name}`: {error}", program.display()))
            })?;
        let call = Call {
            name: name.to_owned(),
            arguments: arguments.iter().map(Wire::from).collect(),
            info: attempt.info.clone(),
            token: attempt.token.clone(),
            last_details: attempt.last_details().as_ref().map(Wire::from),
            session: attempt.session.clone(),
        };
        let mut stdin = child.stdin.take().ok_or_else(|| Error::new("the process has no standard input"))?;
        stdin.write_all(&serde_json::to_vec(&call)?).await?;
        drop(stdin);
        listen(&mut child, &prefix, &attempt).await
    }
    .boxed()
}

async fn listen(child: &mut Child, prefix: &str, attempt: &Attempt) -> Result<Payload> {
    let stdout = child.stdout.take().ok_or_else(|| Error::new("the process has no standard output"))?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        let Some(said) = line.strip_prefix(prefix) else {
            println!("{line}");
            continue;
        };
        match serde_json::from_str(said)? {
            Said::Heartbeat(details) => attempt.heartbeat(details.into()),
            Said::Result(payload) => return Ok(payload.into()),
            Said::CompletesLater => return complete_later(),
            Said::Error { message, type_name, non_retryable, details } => {
                let mut error = Error::new(message);
                error.inner_mut().type_name = type_name;
                error.inner_mut().non_retryable = non_retryable;
                error.inner_mut().details = details.into_iter().map(Payload::from).collect();
                return Err(error);
            }
        }
    }
    let status = child.wait().await?;
    Err(Error::new(format_args!("its process ended without a result: {status}")).with_type("ProcessEnded"))
}

/// Says to the worker what the activity says.
pub(crate) struct Relay {
    prefix: String,
    writing: Mutex<()>,
}

impl Relay {
    fn say(&self, said: &Said) {
        let _writing = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Ok(text) = serde_json::to_string(said) else { return };
        let mut out = std::io::stdout().lock();
        // A worker that went away has killed this process, or is about to.
        let _ = writeln!(out, "\n{}{text}", self.prefix).and_then(|()| out.flush());
    }

    pub fn heartbeat(&self, details: &Payload) {
        self.say(&Said::Heartbeat(details.into()));
    }
}

/// Runs the activity that this process was started for, and exits; returns at once in any other process.
///
/// [`run_worker`](crate::run_worker) begins with it. Call it early in `main` where a program with activities of
/// `isolation = "process"` does something before that which must not happen twice.
pub async fn serve_isolated() -> Result<()> {
    let Ok(prefix) = std::env::var(VARIABLE) else { return Ok(()) };
    let mut input = Vec::new();
    tokio::io::stdin().read_to_end(&mut input).await?;
    let call: Call = serde_json::from_slice(&input)?;
    let relay = Relay { prefix, writing: Mutex::default() };
    let registry = Registry::linked()?;
    let said = match registry.activities.get(call.name.as_str()) {
        None => Err(Error::misuse("NotFound", format_args!("there is no activity `{}` in this program", call.name))),
        Some(entry) => {
            let mut attempt = Attempt::standalone(call.info, call.last_details.map(Payload::from));
            (attempt.session, attempt.token) = (call.session, call.token);
            attempt.relay = Some(Relay { prefix: relay.prefix.clone(), writing: Mutex::default() });
            let arguments = call.arguments.into_iter().map(Payload::from).collect();
            Arc::new(attempt).run(entry, &(entry.options)(), arguments).await
        }
    };
    relay.say(&match said {
        Ok(payload) => Said::Result((&payload).into()),
        Err(error) if error.kind() == ErrorKind::CompletesLater => Said::CompletesLater,
        Err(error) => Said::Error {
            message: error.message().to_owned(),
            type_name: error.type_name().map(str::to_owned),
            non_retryable: error.is_non_retryable(),
            details: error.inner().details.iter().map(Wire::from).collect(),
        },
    });
    std::process::exit(0)
}
