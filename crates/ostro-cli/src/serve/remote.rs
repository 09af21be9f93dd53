//! `ostro serve --engine`: the Workflows API over an engine elsewhere.

use ostro_server::Hosts;
use ostro_wire::{Caller, Client, Network, Target, Tls};
use ostro_workflows_api::Scheduler;
use tokio::net::TcpListener;

use super::{Failure, Settings, api, console, with_console};

/// Serves the API over the engine at `target` until told to stop.
pub(super) async fn serve(
    settings: &Settings,
    target: &Target,
    told_to_stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let listen = settings.config.http_listen.unwrap_or(([127, 0, 0, 1], 8233).into());
    let listener = TcpListener::bind(listen).await.map_err(|source| Failure::Listen { address: listen, source })?;
    let tls = settings.config.tls.clone().map(Tls::load).transpose()?;
    let address = &target.address;
    let client = Client::connect_lazy(target.clone()).map_err(|status| Failure::Engine(status.message().to_owned()))?;
    let scheduler = Scheduler::At(settings.advertise.clone().unwrap_or_else(|| address.clone()));
    let engine = Caller::new(client);
    let api = api::start(settings, engine.clone(), scheduler, None).await.map_err(Failure::Api)?;
    let pages = console::start(settings, engine, &api, None).map_err(Failure::Api)?;
    let routes = with_console(ostro_workflows_api::router(api.clone()), pages.clone());
    println!("Ostro {}", ostro_server::VERSION);
    let at = listener.local_addr().unwrap_or(listen);
    let hosts = Hosts::new(at, &settings.config);
    println!("  HTTP        {}://{at} (Workflows API, /openapi.json)", settings.http_scheme());
    if pages.is_some() {
        println!("  Console     {}://{at}/", settings.http_scheme());
    }
    println!("  Access      {}", settings.access_in_words());
    println!("  Engine      {address}, namespace {}", settings.namespace);
    println!("  Data        {} (registrations, events, keys)", settings.config.data.display());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listening = ostro_server::Listening { listener, tls, network: Network::new(settings.config.network.clone()) };
    let serving = tokio::spawn(ostro_server::serve_http(listening, hosts, routes, async {
        drop(stopped.await);
    }));
    told_to_stop.await;
    api.stop();
    pages.iter().for_each(|console| console.stop());
    // An error says that it has stopped already.
    stop.send(()).unwrap_or(());
    match serving.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Api(error)),
        Err(error) => Err(Failure::Api(error.into())),
    }
}
