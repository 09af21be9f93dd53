use super::*;

const ENDLESS: &str = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";

fn pool(connections: usize, time: Duration) -> ReadPool {
    let connections = (0..connections).map(|_| Connection::open_in_memory().unwrap()).collect();
    let limits = PoolLimits { time, waiting_max: 2 };
    ReadPool::new(connections, limits, Arc::new(LogSize::of(std::path::Path::new("/nowhere"))))
}

fn endless(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(ENDLESS, [], |row| row.get(0))
}

fn one(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT 1", [], |row| row.get(0))
}

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_read_ends_in_time_and_its_connection_reads_on() {
    let pool = pool(1, Duration::from_millis(20));
    assert_eq!(pool.read("a", endless).await, Err(Refused::TooLong(Duration::from_millis(20))));
    assert_eq!(pool.read("a", one).await, Ok(Ok(1)));
    assert_eq!(pool.stats().cut.load(Relaxed), 1);
}

#[tokio::test]
async fn a_read_whose_caller_has_gone_ends_at_once() {
    let pool = pool(1, LONG);
    let (reads, reading) = oneshot::channel();
    let abandoned = pool.clone();
    let caller = tokio::spawn(async move {
        let work = move |connection: &Connection| {
            reads.send(()).unwrap();
            endless(connection)
        };
        abandoned.read("a", work).await
    });
    reading.await.unwrap();
    caller.abort();
    assert_eq!(pool.read("b", one).await, Ok(Ok(1)));
    assert_eq!(pool.stats().abandoned.load(Relaxed), 1);
}

#[tokio::test]
async fn who_goes_while_it_waits_loses_no_connection() {
    let pool = pool(1, LONG);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (reads, reading) = oneshot::channel();
    let busy = pool.clone();
    let busy = tokio::spawn(async move {
        let work = move |_: &Connection| {
            reads.send(()).unwrap();
            wait.recv()
        };
        busy.read("a", work).await
    });
    reading.await.unwrap();
    for _ in 0..3 {
        let mut waits = Box::pin(pool.read("a", one));
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(waits.as_mut().poll(context).is_pending())).await
        );
        drop(waits);
    }
    let other = pool.read("b", one);
    go_on.send(()).unwrap();
    assert_eq!(other.await, Ok(Ok(1)));
    busy.await.unwrap().unwrap().unwrap();
    assert_eq!(pool.read("a", one).await, Ok(Ok(1)));
}

#[tokio::test]
async fn reads_of_one_namespace_leave_connections_to_others() {
    let pool = pool(2, LONG);
    let mut abandoned = Vec::new();
    for _ in 0..3 {
        let pool = pool.clone();
        abandoned.push(tokio::spawn(async move { pool.read("a", endless).await }));
    }
    assert_eq!(pool.read("b", one).await, Ok(Ok(1)));
    for caller in abandoned {
        caller.abort();
        drop(caller.await);
    }
    assert_eq!(pool.read("a", one).await, Ok(Ok(1)));
}

#[test]
fn a_log_that_is_large_ends_the_reads_that_hold_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let log = std::fs::File::create(directory.path().join("store.db-wal")).unwrap();
    log.set_len(LOG_BYTES_MAX + 1).unwrap();
    let limits = PoolLimits { time: LONG, waiting_max: 1 };
    let pool = ReadPool::new(vec![Connection::open_in_memory().unwrap()], limits, Arc::new(LogSize::of(&path)));
    assert_eq!(pool.read_now("a", endless), Err(Refused::LogTooLarge(LOG_BYTES_MAX + 1)));
    assert_eq!(pool.read_now("a", one), Ok(Ok(1)), "what is quick holds nothing back");
}
