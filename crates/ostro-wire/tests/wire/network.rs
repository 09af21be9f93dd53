//! What one client does to the network costs no other its answer.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ostro_wire::{Client, Guard, Network, NetworkLimits, Services, Tls, TlsFiles, workflow_service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::fixture::{Toy, serve_on};
use crate::guard::OneKey;

/// A body that sends these bytes and then no more, without an end.
struct Half(Option<Bytes>);

impl Body for Half {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.take().map_or(Poll::Pending, |data| Poll::Ready(Some(Ok(Frame::data(data)))))
    }
}

/// The head of a message of this size, and the first byte.
fn beginning(size: u32) -> Bytes {
    [&[0], size.to_be_bytes().as_slice(), &[10]].concat().into()
}

async fn connect(address: SocketAddr) -> SendRequest<Half> {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}

fn describe(address: SocketAddr, body: Half) -> Request<Half> {
    Request::post(format!("http://{address}/{}/DescribeNamespace", workflow_service::SERVICE))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .expect("a request")
}

async fn ask(sender: &mut SendRequest<Half>, address: SocketAddr, body: Half) -> Status {
    let answer: Response<Incoming> = sender.send_request(describe(address, body)).await.expect("an answer");
    Status::from_header_map(answer.headers()).expect("a refusal has its status among the headers")
}

/// A client that was answered.
async fn is_served(address: SocketAddr) -> Client {
    let client = Client::connect(address.to_string().as_str()).await.expect("the server answers");
    let service = workflow_service::SERVICE;
    client.call(service, "DescribeNamespace", Bytes::new(), MetadataMap::new(), None).await.expect("an answer");
    client
}

fn toy() -> Services {
    Services::new(Arc::new(Toy::default()))
}

fn network(limits: NetworkLimits) -> Network {
    Network::new(limits)
}

/// Waits until the server has closed its side.
async fn closed(mut stream: TcpStream) {
    let mut said = Vec::new();
    // A reset is an end, too.
    drop(stream.read_to_end(&mut said).await);
}

#[tokio::test]
async fn without_a_key_the_body_of_a_request_is_not_waited_for() {
    let network = Network::default();
    let guarded = toy().with_guard(Arc::new(OneKey) as Arc<dyn Guard>);
    let address = serve_on(network.clone(), None, guarded).await;
    let mut sender = connect(address).await;
    for _ in 0..600 {
        let refusal = ask(&mut sender, address, Half(Some(beginning(4 << 20)))).await;
        assert_eq!(refusal.code(), Code::Unauthenticated);
    }
    assert_eq!(network.stats().request_bytes_now.load(Relaxed), 0);
}

#[tokio::test]
async fn half_sent_requests_hold_no_more_than_their_connection_may() {
    let limits = NetworkLimits { request_bytes_per_connection_max: 10 << 20, ..NetworkLimits::default() };
    let network = network(limits);
    let address = serve_on(network.clone(), None, toy()).await;
    let mut sender = connect(address).await;
    let open: Vec<_> = (0..2).map(|_| sender.send_request(describe(address, Half(Some(beginning(4 << 20)))))).collect();
    let open = open.into_iter().map(tokio::spawn).collect::<Vec<_>>();
    let refusal = loop {
        // The others' first bytes may still be on their way.
        let refused = ask(&mut sender, address, Half(Some(beginning(4 << 20))));
        if let Ok(refusal) = tokio::time::timeout(Duration::from_millis(200), refused).await {
            break refusal;
        }
    };
    assert_eq!(refusal.code(), Code::ResourceExhausted);
    assert!(refusal.message().contains("request_bytes_per_connection_max"), "{}", refusal.message());
    assert!(network.stats().request_bytes_now.load(Relaxed) <= 10 << 20);
    is_served(address).await;
    open.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_its_request() {
    let network = network(NetworkLimits { body_timeout: Duration::from_millis(50), ..NetworkLimits::default() });
    let address = serve_on(network.clone(), None, toy()).await;
    let mut sender = connect(address).await;
    let refusal = ask(&mut sender, address, Half(Some(beginning(100)))).await;
    assert_eq!(refusal.code(), Code::DeadlineExceeded, "{refusal}");
    assert!(refusal.message().contains("body_timeout is 50ms"), "{}", refusal.message());
    assert_eq!(network.stats().requests_too_slow.load(Relaxed), 1);
}

#[tokio::test]
async fn who_says_nothing_or_only_half_a_head_is_sent_away() {
    let network = network(NetworkLimits { header_timeout: Duration::from_millis(50), ..NetworkLimits::default() });
    let address = serve_on(network.clone(), None, toy()).await;
    for said in
        [&b""[..], b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"]
    {
        let mut stream = TcpStream::connect(address).await.expect("the server listens");
        stream.write_all(said).await.expect("bytes");
        closed(stream).await;
    }
    assert_eq!(network.stats().too_slow.load(Relaxed), 3);
    is_served(address).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_one_that_waits_for_an_answer_is_not() {
    let short = Duration::from_millis(50);
    let network = network(NetworkLimits { idle_timeout: short, header_timeout: short, ..NetworkLimits::default() });
    let toy = Arc::new(Toy::default());
    let address = serve_on(network.clone(), None, Services::new(toy.clone())).await;
    let client = Client::connect(address.to_string().as_str()).await.expect("the server answers");
    let poll = tokio::spawn(async move {
        let service = workflow_service::SERVICE;
        client.call(service, "PollWorkflowTaskQueue", Bytes::new(), MetadataMap::new(), None).await
    });
    toy.poll_began.notified().await;
    let _quiet = is_served(address).await;
    while network.stats().idle.load(Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!poll.is_finished());
    poll.abort();
}

#[tokio::test]
async fn silent_connections_and_slow_handshakes_lock_nobody_out() {
    let file = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/certificates").join(name);
    let files = TlsFiles { certificate: file("server.pem"), key: file("server.key"), client_ca: None };
    let limits = NetworkLimits { silent_connections_max: 20, connections_max: 40, ..NetworkLimits::default() };
    for tls in [None, Some(Tls::load(files).expect("files that fit"))] {
        let network = network(limits.clone());
        let secure = tls.is_some();
        let address = serve_on(network.clone(), tls, toy()).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(TcpStream::connect(address).await.expect("the server listens"));
        }
        if secure {
            crate::tls::is_served(address).await;
        } else {
            is_served(address).await;
        }
        assert!(network.stats().connections_now.load(Relaxed) <= 40);
        assert!(network.stats().evicted.load(Relaxed) >= 180, "{}", network.stats().evicted.load(Relaxed));
        closed(silent.swap_remove(0)).await;
    }
}
