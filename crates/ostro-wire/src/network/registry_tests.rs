use super::*;

fn registry(limits: NetworkLimits) -> Arc<Registry> {
    Arc::new(Registry::new(Arc::new(limits), Arc::default()))
}

fn small() -> NetworkLimits {
    NetworkLimits {
        connections_max: 6,
        connections_per_address_max: 3,
        silent_connections_max: 4,
        ..NetworkLimits::default()
    }
}

fn source(last: u8) -> Source {
    Source::of([10, 0, 0, last].into())
}

/// Whether the connection was told to go. Ready at once or never, so it is asked once.
async fn is_evicted(entry: &Entry) -> bool {
    tokio::select! {
        biased;
        over = entry.presence().over() => over == Over::Evicted,
        () = std::future::ready(()) => false,
    }
}

#[tokio::test]
async fn of_silent_connections_the_oldest_of_whoever_has_most_makes_room() {
    let registry = registry(NetworkLimits { connections_max: 100, ..small() });
    let own: Vec<Entry> = (0..3).map(|_| registry.admit(Source::Loopback).unwrap()).collect();
    let other = registry.admit(source(1)).unwrap();
    let newest = registry.admit(source(2)).unwrap();
    assert!(is_evicted(&own[0]).await);
    for stays in [&own[1], &own[2], &other, &newest] {
        assert!(!is_evicted(stays).await);
    }
    assert_eq!(registry.stats.silent_now.load(Relaxed), 4);
}

#[tokio::test]
async fn an_address_that_is_silent_too_often_loses_its_own() {
    let registry = registry(NetworkLimits { silent_connections_max: 16, ..small() });
    let first = registry.admit(source(1)).unwrap();
    let second = registry.admit(source(1)).unwrap();
    let third = registry.admit(source(1)).unwrap();
    assert!(is_evicted(&first).await && !is_evicted(&second).await && !is_evicted(&third).await);
}

#[tokio::test]
async fn the_busy_stay_and_the_idle_make_room() {
    let registry = registry(small());
    let mut busy = Vec::new();
    for last in 0..5 {
        let entry = registry.admit(source(last)).unwrap();
        busy.push((entry.presence().open(), entry));
    }
    let idle = registry.admit(source(9)).unwrap();
    drop(idle.presence().open());
    let (one_more, _open) = (registry.admit(source(10)).unwrap(), ());
    assert!(is_evicted(&idle).await);
    let _busy_too = one_more.presence().open();
    assert_eq!(registry.admit(source(11)).err(), Some(NoRoom::Full(6)));
    for (_, entry) in &busy {
        assert!(!is_evicted(entry).await);
    }
    drop(busy);
    registry.admit(source(11)).unwrap();
    assert_eq!(registry.stats.refused.load(Relaxed), 1);
}

#[tokio::test]
async fn one_address_has_its_share_and_this_machine_more() {
    let registry = registry(NetworkLimits { connections_max: 100, silent_connections_max: 100, ..small() });
    let busy = |source| {
        let entry = registry.admit(source).unwrap();
        (entry.presence().open(), entry)
    };
    let _theirs: Vec<_> = (0..3).map(|_| busy(source(1))).collect();
    assert_eq!(registry.admit(source(1)).err(), Some(NoRoom::Address(3)));
    let _others = busy(source(2));
    let _own: Vec<_> = (0..10).map(|_| busy(Source::Loopback)).collect();
}

#[tokio::test]
async fn a_place_is_given_back_with_all_that_counted_it() {
    let registry = registry(small());
    let entry = registry.admit(source(1)).unwrap();
    let request = entry.presence().open();
    assert_eq!(registry.stats.silent_now.load(Relaxed), 0);
    drop((entry, request));
    assert_eq!(registry.stats.connections_now.load(Relaxed), 0);
    assert!(registry.lock().of_source.is_empty());
}

#[tokio::test]
async fn who_says_nothing_goes_before_who_has_nothing_more_to_say() {
    let registry = registry(NetworkLimits { header_timeout: std::time::Duration::ZERO, ..small() });
    assert_eq!(registry.admit(source(1)).unwrap().presence().over().await, Over::Silent);
    let registry = super::tests::registry(NetworkLimits { idle_timeout: std::time::Duration::ZERO, ..small() });
    let entry = registry.admit(source(1)).unwrap();
    drop(entry.presence().open());
    assert_eq!(entry.presence().over().await, Over::Idle);
    assert_eq!((registry.stats.idle.load(Relaxed), registry.stats.evicted.load(Relaxed)), (1, 0));
}
