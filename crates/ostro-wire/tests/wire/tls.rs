//! TLS of the listener and of the client. The certificates are for these tests only.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostro_wire::{Caller, Client, ClientTls, Services, Target, Tls, TlsFiles};
use temporalio_protos::temporal::api::workflowservice::v1::GetWorkflowExecutionHistoryRequest;
use tonic::{Code, Status};

use crate::fixture::{Toy, serve_with};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/certificates").join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(file(name)).expect("a certificate of the tests")
}

fn files(client_ca: Option<&str>) -> TlsFiles {
    TlsFiles { certificate: file("server.pem"), key: file("server.key"), client_ca: client_ca.map(file) }
}

async fn server(client_ca: Option<&str>) -> String {
    let tls = Tls::load(files(client_ca)).expect("files that fit");
    serve_with(Some(tls), Services::new(Arc::new(Toy::default()))).await.to_string()
}

async fn call(address: &str, tls: Option<ClientTls>) -> Result<usize, Status> {
    let client = Client::connect_lazy(Target { address: address.to_owned(), tls, api_key: None })?;
    let request = GetWorkflowExecutionHistoryRequest::default();
    let answer = Caller::new(client).ask(&request).await?;
    Ok(answer.history.unwrap_or_default().events.len())
}

fn trusting(ca: &str) -> ClientTls {
    ClientTls { ca: Some(read(ca)), ..Default::default() }
}

/// Whether a client that trusts the certificate is answered.
pub async fn is_served(address: std::net::SocketAddr) {
    call(&address.to_string(), Some(trusting("ca.pem"))).await.expect("an answer");
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_answered() {
    let address = server(None).await;
    assert_eq!(call(&address, Some(trusting("ca.pem"))).await.expect("an answer"), 2);
    let named = ClientTls { server_name: Some("ostro.test".to_owned()), ..trusting("ca.pem") };
    assert_eq!(call(&address, Some(named)).await.expect("an answer"), 2);
    let others_name = ClientTls { server_name: Some("other.test".to_owned()), ..trusting("ca.pem") };
    for refused in [trusting("stranger.pem"), others_name] {
        assert_eq!(call(&address, Some(refused)).await.expect_err("no answer").code(), Code::Unavailable);
    }
    call(&address, None).await.expect_err("no answer in the clear");
}

#[tokio::test]
async fn with_an_authority_for_clients_only_theirs_are_answered() {
    let address = server(Some("ca.pem")).await;
    let own = ClientTls { identity: Some((read("client.pem"), read("client.key"))), ..trusting("ca.pem") };
    assert_eq!(call(&address, Some(own)).await.expect("an answer"), 2);
    call(&address, Some(trusting("ca.pem"))).await.expect_err("no certificate");
}

#[test]
fn files_that_do_not_fit_are_named() {
    let broken = [
        TlsFiles { certificate: file("none.pem"), ..files(None) },
        TlsFiles { key: file("none.key"), ..files(None) },
        TlsFiles { certificate: file("client.pem"), ..files(None) },
        files(Some("server.key")),
    ];
    for (files, named) in broken.into_iter().zip(["none.pem", "none.key", "client.pem", "server.key"]) {
        let error = Tls::load(files).err().expect("not usable").to_string();
        assert!(error.contains(named), "{error}");
    }
}
