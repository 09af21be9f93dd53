//! Every row was seen on the reference server.

use super::*;
use crate::base::time::SECOND;

fn custom() -> BTreeMap<String, i32> {
    let types = [("text", 1), ("kw", 2), ("int", 3), ("dbl", 4), ("bool", 5), ("dt", 6), ("kl", 7)];
    types.into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect()
}

fn checked(custom: &BTreeMap<String, i32>, attributes: &SearchAttributes) -> Result<SearchAttributes> {
    validate(&KnownAttributes { namespace: "default", custom }, attributes)
}

fn payload(encoding: &str, data: &str) -> Payload {
    Payload {
        metadata: [("encoding".to_owned(), encoding.as_bytes().to_vec())].into(),
        data: data.as_bytes().to_vec(),
        ..Default::default()
    }
}

fn attributes(values: &[(&str, &str)]) -> SearchAttributes {
    let indexed_fields = values.iter().map(|(name, data)| ((*name).to_owned(), payload("json/plain", data))).collect();
    SearchAttributes { indexed_fields }
}

fn refusal(values: &[(&str, &str)]) -> String {
    checked(&custom(), &attributes(values)).unwrap_err().message
}

#[test]
fn values_of_the_right_type_are_indexed() {
    use SearchValue::{Bool, Double, Int, KeywordList, String, Time};
    let text = |s: &str| Some(String(s.to_owned()));
    let rows = [
        ("text", r#""a""#, text("a")),
        ("text", r#"["a"]"#, text("a")),
        ("text", "[null]", text("")),
        ("kw", r#""2020-01-01T00:00:00Z""#, text("2020-01-01T00:00:00Z")),
        ("kw", r#""""#, text("")),
        ("int", "1 ", Some(Int(1))),
        ("int", "-0", Some(Int(0))),
        ("int", "[1]", Some(Int(1))),
        ("dbl", "1", Some(Double(1.0))),
        ("dbl", "9223372036854775808", Some(Double(9.223_372_036_854_776e18))),
        ("bool", "[true]", Some(Bool(true))),
        ("dt", r#""1970-01-01T02:00:01.5+02:00""#, Some(Time((SECOND * 3 / 2).since_epoch()))),
        ("dt", r#"["1969-12-31T23:59:59Z"]"#, Some(Time((-SECOND).since_epoch()))),
        ("dt", r#""3000-01-01T00:00:00Z""#, Some(Time(crate::base::time::Time::MAX))),
        ("dt", "[null]", None),
        ("kl", r#"["a","b",null]"#, Some(KeywordList(vec!["a".into(), "b".into(), "".into()]))),
        ("kl", "[]", None),
        ("kw", "null", None),
    ];
    for (name, data, expected) in rows {
        let checked = checked(&custom(), &attributes(&[(name, data)])).unwrap();
        assert_eq!(typed(&checked).remove(name), expected, "{name} {data}");
    }
}

#[test]
fn other_values_are_refused_with_the_reference_servers_words() {
    let rows = [
        ("text", r#"["a","b"]"#, "Text: [a b]"),
        ("kw", "1.0", "Keyword: 1"),
        ("kw", "{}", "Keyword: map[]"),
        ("kw", r#"["a",null]"#, "Keyword: [a <nil>]"),
        ("int", "1e3", "Int: 1000"),
        ("int", "9223372036854775808", "Int: 9.223372036854776e+18"),
        ("int", r#""1""#, "Int: 1"),
        ("bool", "1.5", "Bool: 1.5"),
        ("dt", r#""2020-01-01""#, "Datetime: 2020-01-01"),
        ("dt", "xx", r#"Datetime: value from <metadata:{key:"encoding" value:"json/plain"} data:"xx">"#),
        ("kl", r#""a""#, "KeywordList: a"),
        ("kl", "", r#"KeywordList: value from <metadata:{key:"encoding" value:"json/plain"}>"#),
    ];
    for (name, data, shown) in rows {
        let expected = format!("invalid value for search attribute {name} of type {shown}");
        assert_eq!(refusal(&[(name, data)]), expected);
    }
}

#[test]
fn names_must_be_known_and_settable() {
    let unknown = "Namespace default has no mapping defined for search attribute nope";
    assert_eq!(refusal(&[("nope", "1"), ("WorkflowId", "1"), ("kw", "1")]), unknown);
    assert_eq!(refusal(&[("StartTime", "1")]), "StartTime attribute can't be set in SearchAttributes");
    assert!(checked(&custom(), &attributes(&[("BuildIds", r#"["a"]"#), ("TemporalSchedulePaused", "true")])).is_ok());
}

#[test]
fn sizes_are_limited() {
    let value = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    assert!(checked(&custom(), &attributes(&[("kw", &value(2048))])).is_ok());
    assert_eq!(refusal(&[("kw", &value(2049))]), "search attribute kw value size 2049 exceeds size limit 2048");
    let names: Vec<_> = (0..101).map(|i| format!("a{i}")).collect();
    let large = names.iter().map(|name| (name.clone(), 2)).collect();
    let two_kib = value(2048);
    let many = |count: usize, value: &str| {
        let values: Vec<_> = names.iter().take(count).map(|name| (name.as_str(), value)).collect();
        checked(&large, &attributes(&values)).err().map(|e| e.message).unwrap_or_default()
    };
    assert_eq!(many(19, &two_kib), "");
    assert!(many(20, &two_kib).ends_with("exceeds size limit 40960"));
    assert_eq!(many(101, "\"\""), "number of search attributes 101 exceeds limit 100");
}

#[test]
fn payloads_carry_the_attributes_type() {
    let mut sent = attributes(&[("kw", "\"a\"")]);
    sent.indexed_fields.get_mut("kw").unwrap().metadata.insert("type".into(), b"Int".to_vec());
    let checked = checked(&custom(), &sent).unwrap();
    assert_eq!(checked.indexed_fields["kw"].metadata["type"], b"Keyword");
}

#[test]
fn null_and_the_empty_list_unset() {
    let old = attributes(&[("kw", "\"a\""), ("kl", "[\"a\"]"), ("int", "1"), ("dbl", "1")]);
    let mut upserted = attributes(&[("kw", "null"), ("kl", "[]"), ("dbl", "2"), ("bool", "true")]);
    upserted.indexed_fields.insert("int".into(), payload("binary/null", ""));
    let upserted = checked(&custom(), &upserted).unwrap();
    let merged = merge(checked(&custom(), &old).unwrap(), &upserted);
    let expected = [("bool".to_owned(), SearchValue::Bool(true)), ("dbl".to_owned(), SearchValue::Double(2.0))];
    assert_eq!(typed(&merged), expected.into());
    assert_eq!(without_unset(upserted).indexed_fields.len(), 2);
}

#[test]
fn every_type_and_system_name_is_found() {
    for number in 1..=7 {
        let ty = Type::from_number(number).unwrap();
        assert_eq!((Type::from_name(ty.name()), ty.number()), (Some(ty), number));
    }
    assert!(SYSTEM.is_sorted_by_key(|attribute| attribute.name));
    assert!(is_reserved("TemporalAnything") && is_reserved("WorkflowId") && !is_reserved("temporalFoo"));
}
