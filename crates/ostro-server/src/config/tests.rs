use super::*;

/// The reference has its keys commented out where the default is "none"; all others are set to their defaults.
#[test]
fn the_reference_names_every_key_with_its_default() {
    assert_eq!(Config::parse(REFERENCE).expect("the reference parses"), Config::default());
    for key in quotas::KEYS {
        assert!(REFERENCE.contains(&format!("# {key} = ")), "{key} is not in ostro.toml");
    }
    for key in limits::KEYS.iter().chain(network::KEYS) {
        assert!(REFERENCE.lines().any(|line| line.starts_with(&format!("{key} = "))), "{key} is not in ostro.toml");
    }
}

/// Keys without a default are shown as comments: `# key = value`, `# [table]`.
#[test]
fn what_the_reference_shows_in_comments_is_taken() {
    let shown =
        |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) || line.starts_with('[');
    let lines: Vec<&str> = REFERENCE.lines().filter_map(|line| line.strip_prefix("# ")).filter(shown).collect();
    assert_eq!(lines.len(), 12, "{lines:?}");
    // One by one where they stand, so that each is in its table.
    let text: Vec<&str> = REFERENCE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| lines.contains(rest)).unwrap_or(line))
        .collect();
    let config = Config::parse(&text.join("\n")).unwrap();
    assert!(config.public_url.is_some() && config.tls.is_some_and(|tls| tls.client_ca.is_some()));
    assert_eq!((config.search_attributes.len(), config.nexus_callers.len()), (1, 1));
    assert!(config.limits.quotas.of("default").executions_open_max.is_some());
}

#[test]
fn a_file_goes_over_the_defaults() {
    let config = Config::parse(
        "console = false\nlisten = '0.0.0.0:1'\nhttp_listen = 'off'\nrecords_retention = '30d'\npublic_url = 'https://a/'\n\
         [tls]\ncertificate = 'c.pem'\nkey = 'c.key'\n[[namespaces]]\nname = 'a'\n[[namespaces]]\nname = 'b'\nretention = '1d'\n\
         [search_attributes]\nCustomer = 'Keyword'\n[limits]\ncallback_addresses = ['http://localhost:*']\nhistory_count_suggest = 50\nblob_bytes_max = '1MiB'\npoll_timeout = '5s'\n[network]\nheader_timeout = '3s'\n\
         [quotas.a]\nexecutions_open_max = 7\nrequests_per_second = 0.5\nrecords_bytes_max = '1MiB'\n\
         [quotas.'*']\nrecords_bytes_max = '1GiB'",
    )
    .unwrap();
    assert_eq!(config.listen.map(|address| address.port()), Some(1));
    assert_eq!(config.http_listen, None);
    assert_eq!(config.records_retention, Some(30 * DAY));
    let tls = config.tls.clone().expect("a table tls");
    assert_eq!((tls.certificate.to_str(), tls.key.to_str(), tls.client_ca), (Some("c.pem"), Some("c.key"), None));
    assert_eq!(config.namespaces[1], NamespaceConfig { name: "b".into(), retention: DAY });
    assert_eq!(config.search_attributes, [("Customer".to_owned(), IndexedValueType::Keyword)]);
    assert_eq!(config.limits.history_count_suggest, 50);
    assert_eq!(config.public_url.as_deref(), Some("https://a"));
    assert_eq!(config.limits.callback_addresses.len(), 1);
    assert_eq!(config.limits.blob_bytes_max, 1 << 20);
    assert_eq!(config.limits.poll_timeout, 5 * SECOND);
    let quota = config.limits.quotas.of("a");
    assert_eq!((quota.executions_open_max, quota.requests_per_second), (Some(7), Some(0.5)));
    assert_eq!(config.records_bytes_max(), (Some(1 << 30), vec![("a".to_owned(), 1 << 20)]));
    assert_eq!(config.network.header_timeout, Duration::from_secs(3));
}

#[test]
fn mistakes_are_named_with_the_way_out() {
    for (text, expected) in [
        ("listn = 'x'", "unknown key listn: did you mean listen?"),
        ("[limits]\nhistory_count_mx = 1", "unknown key history_count_mx: did you mean history_count_max?"),
        ("[limits]\npoll_timeout = 5", "limits.poll_timeout = 5 is not usable: give a duration such as"),
        ("[limits]\nworkflow_task_attempts_failing = 99999999999", "give a smaller number"),
        ("[network]\nidle_timeot = 1", "unknown key idle_timeot: did you mean idle_timeout?"),
        ("[network]\nconnections_max = 0", "network.connections_max = 0 is not usable: give a whole number, 1"),
        ("[network]\nbody_timeout = '0'", "give a duration of more than nothing"),
        ("[quotas.a]\nexecutions_max = 1", "unknown key executions_max: did you mean executions_open_max?"),
        ("[quotas]\nexecutions_open_max = 1", "quotas.executions_open_max = 1 is not usable: give tables, each"),
        (
            "[quotas.a]\nrequests_per_second = 0",
            "quotas.a.requests_per_second = 0 is not usable: give a number of more",
        ),
        ("[quotas.a]\nrequests_per_second = inf", "give a number of more than 0"),
        ("public_url = 'a'", "public_url = \"a\" is not usable: give an address such as \"https"),
        ("[limits]\ncallback_addresses = ['a']", "give a list of addresses such as"),
        ("[[namespaces]]\nretention = '1d'", "namespaces.name = \"\" is not usable: give a name"),
        ("[search_attributes]\nA = 'Sting'", "A = \"Sting\" is not usable: give Text, Keyword"),
        ("[tls]\ncertificate = 'a'", "tls.key = \"\" is not usable: give a file"),
        ("[tls]\ncertficate = 'a'", "unknown key certficate: did you mean certificate?"),
        ("records_retention = 'long'", "give a duration such as \"30d\", or \"namespace\""),
        ("durable = 1", "durable = 1 is not usable: give true or false"),
        ("console = 'off'", "console = \"off\" is not usable: give true or false"),
        ("listen", "this is not TOML"),
    ] {
        let error = Config::parse(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
