use super::workflow::{ConflictPolicy, ReusePolicy, WaitStage};
use super::*;
use clap::CommandFactory;
use serde_json::json;

fn parse(line: &str) -> Result<Arguments, String> {
    let words = std::iter::once("ostro").chain(line.split_whitespace());
    Arguments::try_parse_from(words).map_err(|error| error.to_string())
}

fn workflow(line: &str) -> (ConnectionArguments, WorkflowCommand) {
    match parse(line).expect(line).command {
        Command::Workflow(group) => (group.connection, group.command),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_definition_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn a_start_with_everything() {
    let line = "workflow start --type Order --task-queue shop --id o1 --input -1 --input {\"a\":2} \
                --id-reuse-policy allow-duplicate-failed-only --id-conflict-policy use-existing \
                --execution-timeout 1h --run-timeout 30m --task-timeout 10s --memo note=\"gift\" \
                --search-attribute Priority=3 --cron @daily --start-delay 5s --json --address host:1 --namespace shop";
    let (connection, command) = workflow(line);
    assert_eq!((connection.address.as_str(), connection.namespace.as_str(), connection.json), ("host:1", "shop", true));
    let WorkflowCommand::Start(start) = command else { panic!("{command:?}") };
    assert_eq!((start.workflow_type.as_str(), start.task_queue.as_str()), ("Order", "shop"));
    assert_eq!((start.id.as_deref(), start.input.input), (Some("o1"), vec![json!(-1), json!({"a": 2})]));
    assert_eq!(start.id_reuse_policy, Some(ReusePolicy::AllowDuplicateFailedOnly));
    assert_eq!(start.id_conflict_policy, Some(ConflictPolicy::UseExisting));
    assert_eq!(start.execution_timeout, Some(Duration::from_secs(3600)));
    assert_eq!(start.start_delay, Some(Duration::from_secs(5)));
    assert_eq!(start.memo, [("note".to_owned(), json!("gift"))]);
    assert_eq!(start.search_attribute, [("Priority".to_owned(), json!(3))]);
}

#[test]
fn connection_flags_stand_before_or_after_the_command() {
    for line in ["workflow --timeout 3s list", "workflow list --timeout 3s", "wf list --timeout 3s"] {
        let (connection, command) = workflow(line);
        assert_eq!(connection.timeout, Some(Duration::from_secs(3)), "{line}");
        assert!(matches!(command, WorkflowCommand::List { limit: 50, .. }), "{line}");
    }
}

#[test]
fn an_update_waits_for_its_completion_by_default() {
    let (_, command) = workflow("workflow update o1 --run-id r1 --name add --input 1 --update-id u1");
    let WorkflowCommand::Update(update) = command else { panic!("{command:?}") };
    assert_eq!((update.target.workflow_id.as_str(), update.target.run_id.as_str()), ("o1", "r1"));
    assert_eq!((update.update_id.as_deref(), update.wait), (Some("u1"), WaitStage::Completed));
}

#[test]
fn a_server_for_development_needs_nothing() {
    let Command::Dev(dev) = parse("dev").expect("dev").command else { panic!("not dev") };
    assert_eq!(dev.server.http_listen.0.map(|address| address.port()), Some(8233));
    let Command::Dev(quiet) = parse("dev --http-listen off").expect("off").command else { panic!("not dev") };
    assert_eq!(quiet.server.http_listen.0, None);
    assert_eq!((dev.ephemeral, dev.server.log_format), (false, LogFormat::Pretty));
    let line = "serve --data /d --listen 0.0.0.0:1 --namespace a --namespace b --search-attribute C=keywordlist";
    let Command::Serve(serve) = parse(line).expect(line).command else { panic!("not serve") };
    assert_eq!((serve.data.to_str(), serve.server.listen.port()), (Some("/d"), 1));
    assert_eq!(serve.server.namespaces, ["a", "b"]);
    assert_eq!(serve.server.search_attributes, [("C".to_owned(), AttributeType::KeywordList)]);
}

#[test]
fn a_server_starts_by_the_words_of_temporals_command_line() {
    let line = "server start-dev --port 7300 --namespace default --ip 127.0.0.1 --log-format pretty --log-level warn \
                --dynamic-config-value limit.blobSize.error=100 --dynamic-config-value system.system.x=\"0s\" \
                --search-attribute C=Int --headless";
    let Command::Server(ServerGroup::StartDev(start)) = parse(line).expect(line).command else { panic!("{line}") };
    assert_eq!((start.listen().to_string().as_str(), start.http_listen()), ("127.0.0.1:7300", None));
    assert_eq!(start.settings[0], ("limit.blobSize.error".to_owned(), "100".to_owned()));
    let Command::Server(ServerGroup::StartDev(plain)) = parse("server start-dev").expect("it").command else {
        panic!()
    };
    assert_eq!(plain.http_listen().map(|address| address.port()), Some(8233));
}

#[test]
fn refusals_say_what_is_right() {
    let table = [
        ("workflow start --type T --task-queue q --input hello", "text needs quotes"),
        ("workflow start --type T --task-queue q --memo note", "give key=JSON, such as priority=3"),
        ("workflow start --type T --task-queue q --run-timeout 10", "such as 10s, 5m, 1h30m or 2d"),
        ("search-attribute create A=Number", "give one of Text, Keyword, Int, Double, Bool, Datetime, KeywordList"),
        ("dev --listen nowhere", "such as 127.0.0.1:7233"),
        ("dev --http-listen nowhere", "such as 127.0.0.1:7233, or `off`"),
        ("workflow list --limit many", "invalid value 'many' for '--limit"),
    ];
    for (line, words) in table {
        let refusal = parse(line).expect_err(line);
        assert!(refusal.contains(words), "{line}: {refusal}");
    }
}
