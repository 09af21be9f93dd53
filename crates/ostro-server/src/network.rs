//! The gRPC interface, on threads of its own.
//!
//! A call goes from the socket to the engine's thread and back, with little to do on either side. On a runtime of several
//! threads nearly each of these steps wakes another thread, which costs more than the step; so a thread with a runtime of
//! its own takes a connection and does all for it. There are as many as can be busy beside the engine.

use ostro_wire::{BoxError, Network, Services, Tls};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Processors for each thread: the engine, the writer and the workers need the others.
const PROCESSORS_EACH: usize = 4;
const LANES_MAX: usize = 8;

/// Serves until told to stop, and until the calls in flight are answered; aborting the task cuts them off.
pub(crate) fn serve_grpc(
    listener: TcpListener,
    tls: Option<Tls>,
    services: Services,
    network: Network,
    stopped: watch::Receiver<bool>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(error) = serve(listener, tls, services, network, stopped).await {
            tracing::error!(%error, "the gRPC listener ended");
        }
    })
}

async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    services: Services,
    network: Network,
    stopped: watch::Receiver<bool>,
) -> Result<(), BoxError> {
    let listener = listener.into_std()?;
    // Dropped with this future: then nobody waits for the calls in flight any more.
    let (_wanted, abandoned) = watch::channel(());
    let mut ends = Vec::new();
    for number in 0..lanes() {
        let (ended, end) = oneshot::channel();
        let lane = Lane {
            // Each accepts from the same socket: whoever is free takes the next connection.
            listener: listener.try_clone()?,
            tls: tls.clone(),
            services: services.clone(),
            network: network.clone(),
            stopped: stopped.clone(),
            abandoned: abandoned.clone(),
        };
        let run = move || drop(ended.send(lane.run()));
        std::thread::Builder::new().name(format!("ostro-net-{number}")).spawn(run)?;
        ends.push(end);
    }
    for end in ends {
        end.await??;
    }
    Ok(())
}

fn lanes() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / PROCESSORS_EACH).clamp(1, LANES_MAX)
}

/// One thread's part.
struct Lane {
    listener: std::net::TcpListener,
    tls: Option<Tls>,
    services: Services,
    network: Network,
    stopped: watch::Receiver<bool>,
    abandoned: watch::Receiver<()>,
}

impl Lane {
    fn run(self) -> Result<(), BoxError> {
        let Self { listener, tls, services, network, stopped, mut abandoned } = self;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let result = runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            let served = ostro_wire::serve(listener, tls, services, network, stop_signal(stopped));
            tokio::select! {
                result = served => result,
                _ = abandoned.changed() => Ok(()),
            }
        });
        runtime.shutdown_background();
        result
    }
}

/// Ends when the server is to stop.
pub(crate) async fn stop_signal(mut stopped: watch::Receiver<bool>) {
    // An error says that the server was dropped.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
