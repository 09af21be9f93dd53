//! The table of values: each arrives equal, or is refused at the call with the place of the fault (`docs/reference/values.md`).
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::num::NonZeroU8;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ostro::__private::{Arguments, ByEquality as _, ByForm as _, ByParts as _, Payloads, Probe};
use ostro::prelude::*;
use ostro::testing::TestEnvironment;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

macro_rules! wire {
    ($($item:item)*) => {
        $(#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)] $item)*
    };
}

wire! {
    struct Unit;
    struct Newtype(f64);
    struct Tuple(u8, String);
    struct Line { name: String, price: f64 }
    struct Order { id: u32, lines: Vec<Line>, note: Option<String> }
    enum External { One, Two(u8), Three(u8, u8), Four { x: f64 } }
    #[serde(tag = "kind")]
    enum Internal { One, Two { x: i64 }, Three(Box<Line>) }
    #[serde(tag = "kind", content = "value")]
    enum Adjacent { One, Two(u8), Three { x: Option<u8> } }
    #[serde(untagged)]
    enum Untagged { Text(String), Number(i64), Pair(u8, u8) }
    #[serde(untagged)]
    enum Ambiguous { Small(u32), Large(u64) }
    #[serde(untagged)]
    enum Wide { Number(i128) }
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Renamed { long_name: u8, #[serde(rename = "type")] kind: String }
    struct ReadElsewhere { #[serde(rename(serialize = "out", deserialize = "in"))] name: u8 }
    struct Skipping { kept: u8, #[serde(skip)] skipped: u8 }
    struct SkipsNone { #[serde(default, skip_serializing_if = "Option::is_none")] note: Option<u8> }
    struct Flat { id: u8, #[serde(flatten)] rest: BTreeMap<String, Value> }
    struct FlatNumbers { #[serde(flatten)] rest: BTreeMap<u32, u8> }
    struct Generic<T> { item: T }
    struct Recursive { next: Option<Box<Recursive>> }
    struct Bytes { #[serde(with = "as_bytes")] data: Vec<u8> }
    struct Rounded { #[serde(serialize_with = "rounded")] price: f64 }
}

/// Without `==`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct NoEq {
    items: HashSet<u8>,
    price: f64,
}

/// Only written.
#[derive(Debug, Clone, Serialize)]
struct OnlyWritten {
    price: f64,
}

#[derive(Debug, Clone)]
struct NoText;

impl fmt::Display for NoText {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Err(fmt::Error)
    }
}

impl Serialize for NoText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

mod as_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(data: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(data)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Vec::deserialize(deserializer)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
fn rounded<S: serde::Serializer>(price: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(price.round())
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

macro_rules! arrives {
    ($($kind:ty: $($value:expr),+;)*) => {
        $($({
            let value: $kind = $value;
            let text = format!("{}: {value:?}", stringify!($kind));
            let encoded = (&&&Probe(&value)).encode();
            let payloads = Arguments::new().push("value", encoded).into_payloads().unwrap_or_else(|error| panic!("{text}: {error}"));
            let back: $kind = Payloads::new(payloads).take("value").unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(back, value, "{text}");
        })+)*
    };
}

macro_rules! refused {
    ($($kind:ty: $value:expr => $said:expr;)*) => {
        $({
            let value: $kind = $value;
            let encoded = (&&&Probe(&value)).encode();
            let error = match Arguments::new().push("value", encoded).into_payloads() {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{}: {value:?} is not refused", stringify!($kind)),
            };
            let expected = format!("argument 1, value{}", $said);
            assert!(error.contains(&expected), "{}: {error:?} has no {expected:?}", stringify!($kind));
        })*
    };
}

fn map<K: Ord, V, const N: usize>(entries: [(K, V); N]) -> BTreeMap<K, V> {
    BTreeMap::from(entries)
}

#[test]
fn scalars() {
    arrives! {
        bool: true, false;
        u8: 0, 255;
        i8: -128;
        u16: u16::MAX;
        i16: i16::MIN;
        u32: u32::MAX;
        i32: i32::MIN;
        u64: u64::MAX, 1 << 53, (1 << 53) + 1;
        i64: i64::MIN, i64::MAX;
        u128: u128::MAX, 0;
        i128: i128::MIN, i128::from(u64::MAX) + 1;
        usize: usize::MAX;
        NonZeroU8: NonZeroU8::MIN;
        f32: 0.1, f32::MIN_POSITIVE, f32::MAX, -0.0;
        f64: 0.1, 0.1 + 0.2, -0.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, 9_007_199_254_740_993.0, 1e22, 2.225_073_858_507_201e-308;
        f64: 122.416_294_033_786_58, 3.094_764_424_123_456_7e-5, 7.205_759_403_792_794e16, 1.7976931348623157e308;
        char: 'a', '\0', '\u{10ffff}', '\u{1f4a9}';
        String: String::new(), "nul \0 \u{7f}\u{2028}".to_owned(), "\u{1f4a9}".to_owned();
        (): ();
        Unit: Unit;
        Newtype: Newtype(0.5);
        Duration: Duration::MAX, Duration::ZERO, Duration::new(1, 999_999_999);
        SystemTime: SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::new(5, 1);
        PathBuf: PathBuf::from("/a/b");
        IpAddr: "::1".parse().unwrap();
        Range<u8>: 1..5;
    }
    for seed in 0..10_000_u64 {
        let value = f64::from_bits(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if value.is_finite() {
            arrives! { f64: value; }
        }
    }
}

#[test]
fn collections() {
    arrives! {
        Vec<u8>: vec![], vec![0, 255];
        Vec<Option<u8>>: vec![None, Some(1)];
        [u8; 3]: [1, 2, 3];
        (u8, String, f64): (1, "a".to_owned(), 0.5);
        VecDeque<u8>: VecDeque::from([1, 2]);
        BTreeSet<String>: BTreeSet::from(["a".to_owned()]);
        HashSet<u32>: HashSet::from([1, 2, 3, 4, 5]);
        HashMap<String, Vec<u8>>: HashMap::from([("a".to_owned(), vec![1]), ("b".to_owned(), vec![])]);
        BTreeMap<u64, u8>: map([(u64::MAX, 1)]);
        BTreeMap<i128, u8>: map([(i128::MIN, 1)]);
        BTreeMap<bool, u8>: map([(true, 1)]);
        BTreeMap<char, u8>: map([('\u{1f4a9}', 1)]);
        Option<u8>: None, Some(0);
        Option<String>: Some("null".to_owned());
        Option<Vec<()>>: Some(vec![()]);
        Box<u8>: Box::new(1);
        Cow<'static, str>: Cow::Borrowed("a");
        Result<u8, String>: Ok(1), Err("no".to_owned());
        Value: json!({"a": [1, null, 0.5, {"b": "c"}]}), Value::Null, json!(u64::MAX), json!(1.5e300), nested(126);
    }
}

#[test]
fn structs_and_enums() {
    let line = || Line { name: "a".to_owned(), price: 0.1 };
    arrives! {
        Tuple: Tuple(1, "a".to_owned());
        Order: Order { id: 1, lines: vec![line(), line()], note: None };
        External: External::One, External::Two(1), External::Three(1, 2), External::Four { x: 0.5 };
        Internal: Internal::One, Internal::Two { x: i64::MIN }, Internal::Three(Box::new(line()));
        Adjacent: Adjacent::One, Adjacent::Two(1), Adjacent::Three { x: None };
        Untagged: Untagged::Text("1".to_owned()), Untagged::Number(-1), Untagged::Pair(1, 2);
        Ambiguous: Ambiguous::Small(1), Ambiguous::Large(1 << 40);
        Renamed: Renamed { long_name: 1, kind: "a".to_owned() };
        Skipping: Skipping { kept: 1, skipped: 0 };
        SkipsNone: SkipsNone { note: None }, SkipsNone { note: Some(1) };
        Flat: Flat { id: 1, rest: map([("more".to_owned(), json!([1]))]) };
        Generic<Option<u8>>: Generic { item: None };
        Generic<Generic<External>>: Generic { item: Generic { item: External::One } };
        Recursive: Recursive { next: Some(Box::new(Recursive { next: None })) };
        Bytes: Bytes { data: vec![0, 255] };
        Rounded: Rounded { price: 2.0 };
    }
}

#[test]
fn what_json_cannot_carry_is_refused_with_its_place() {
    let order = |price| Order {
        id: 1,
        lines: vec![Line { name: "a".to_owned(), price: 1.0 }, Line { name: "b".to_owned(), price }],
        note: None,
    };
    refused! {
        f64: f64::NAN => ": NaN cannot be sent as JSON";
        f32: f32::NEG_INFINITY => ": -Infinity cannot be sent as JSON";
        Newtype: Newtype(f64::INFINITY) => ": Infinity cannot be sent as JSON";
        Order: order(f64::NAN) => ".lines[1].price: NaN cannot be sent as JSON";
        Vec<Option<f64>>: vec![None, Some(f64::NAN)] => "[1]: NaN cannot be sent as JSON";
        BTreeMap<String, f64>: map([("a b".to_owned(), f64::NAN)]) => "[\"a b\"]: NaN cannot be sent as JSON";
        External: External::Four { x: f64::NAN } => ".x: NaN cannot be sent as JSON";
        Option<Option<u8>>: Some(None) => ": Some of what is null in JSON";
        Vec<Option<Option<u8>>>: vec![None, Some(None)] => "[1]: Some of what is null in JSON";
        Option<()>: Some(()) => ": Some of what is null in JSON";
        Option<Value>: Some(Value::Null) => ": Some of what is null in JSON";
        Generic<Option<Unit>>: Generic { item: Some(Unit) } => ".item: Some of what is null in JSON";
        BTreeMap<(u8, u8), u8>: map([((1, 2), 3)]) => ": its keys cannot be those of a JSON object";
        Generic<BTreeMap<Option<u8>, u8>>: Generic { item: map([(None, 3)]) } => ".item: its keys cannot be those of a JSON object";
        Value: nested(128) => "[0][0]";
        SystemTime: SystemTime::UNIX_EPOCH - Duration::from_secs(1) => ": it cannot be written as JSON";
        Wide: Wide::Number(i128::MAX) => ": it would not be read as";
        ReadElsewhere: ReadElsewhere { name: 1 } => ": it would not be read as";
        FlatNumbers: FlatNumbers { rest: map([(1, 2)]) } => ": it would not be read as";
        Skipping: Skipping { kept: 1, skipped: 5 } => ": another value would arrive";
        Ambiguous: Ambiguous::Large(1) => ": another value would arrive";
        Rounded: Rounded { price: 1.4 } => ": another value would arrive";
        NoEq: NoEq { items: HashSet::new(), price: f64::NAN } => ".price: NaN cannot be sent as JSON";
        OnlyWritten: OnlyWritten { price: f64::NAN } => ".price: NaN cannot be sent as JSON";
        Vec<NoText>: vec![NoText] => "[0]: its Display gives an error";
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        let path = PathBuf::from(std::ffi::OsString::from_vec(vec![b'/', 0xff]));
        refused! { Generic<PathBuf>: Generic { item: path } => ".item: it cannot be written as JSON: path contains invalid UTF-8"; }
    }
}

#[test]
#[expect(clippy::needless_borrow, reason = "as the macros write it: the number of borrows chooses the way to encode")]
fn what_has_no_equality_is_compared_as_json() {
    let value = NoEq { items: (0..200).collect(), price: 0.1 };
    let payloads = Arguments::new().push("value", (&&&Probe(&value)).encode()).into_payloads().unwrap();
    let back: NoEq = Payloads::new(payloads).take("value").unwrap();
    assert_eq!((back.items, back.price), (value.items, value.price));
    let written = OnlyWritten { price: 1.0 };
    assert!(Arguments::new().push("value", (&&&Probe(&written)).encode()).into_payloads().is_ok());
}

// Through an engine.

#[activity(retry_policy_max_attempts = 1)]
async fn price_of(order: Order, factor: f64) -> Result<f64> {
    Ok(order.lines.iter().map(|line| line.price).sum::<f64>() * factor)
}

#[activity(retry_policy_max_attempts = 1)]
async fn misbehaves(how: String) -> Result<u8> {
    match how.as_str() {
        "circle" => Err(Circle.into()),
        "chain" => Err(Deep(100_000).into()),
        "no text" => Err(NoTextError.into()),
        "large" => Err(Error::new("x".repeat(5_000_000))),
        "large details" => Err(Error::new("details").with_details("y".repeat(3_000_000))),
        "nan details" => Err(Error::new("details").with_details(f64::NAN)),
        "panics" => panic!("on purpose"),
        "panics with an object" => std::panic::panic_any(PanicsWhenDropped),
        "error that panics when dropped" => Err(DropError(PanicsWhenDropped).into()),
        "display panics" => Err(DisplayPanics.into()),
        _ => Ok(0),
    }
}

const WAYS: [&str; 10] = [
    "circle",
    "chain",
    "no text",
    "large",
    "large details",
    "nan details",
    "panics",
    "panics with an object",
    "error that panics when dropped",
    "display panics",
];

#[derive(Debug)]
struct Circle;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round")
    }
}

impl std::error::Error for Circle {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Circle)
    }
}

#[derive(Debug)]
struct Deep(u32);

impl fmt::Display for Deep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to go", self.0)
    }
}

impl std::error::Error for Deep {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        static BELOW: std::sync::LazyLock<Vec<Deep>> = std::sync::LazyLock::new(|| (0..100_000).map(Deep).collect());
        BELOW.get(self.0.checked_sub(1)? as usize).map(|deeper| deeper as _)
    }
}

#[derive(Debug)]
struct NoTextError;

impl fmt::Display for NoTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half a te")?;
        Err(fmt::Error)
    }
}

impl std::error::Error for NoTextError {}

#[derive(Debug)]
struct DisplayPanics;

impl fmt::Display for DisplayPanics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl std::error::Error for DisplayPanics {}

#[derive(Debug)]
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("dropped")
        }
    }
}

#[derive(Debug)]
struct DropError(#[allow(dead_code)] PanicsWhenDropped);

impl fmt::Display for DropError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("drops badly")
    }
}

impl std::error::Error for DropError {}

#[workflow]
async fn values_through_an_engine(how: String) -> Result<f64> {
    let line = |price| Line { name: "a".to_owned(), price };
    let order = |price| Order { id: 1, lines: vec![line(1.0), line(price)], note: None };
    match how.as_str() {
        "equal" => price_of(order(0.1), 0.3).await,
        "argument" => price_of(order(f64::NAN), 1.0).await,
        "second" => price_of(order(1.0), f64::INFINITY).await,
        "result of an activity" => price_of(order(f64::MAX), 2.0).await,
        "result" => Ok(f64::NAN),
        other => misbehaves(other.to_owned()).await.map(f64::from),
    }
}

#[workflow]
async fn misbehaves_itself(how: String) -> Result<()> {
    let _unused: Rc<()> = Rc::new(());
    match how.as_str() {
        "circle" => Err(Circle.into()),
        "chain" => Err(Deep(100_000).into()),
        "no text" => Err(NoTextError.into()),
        "large" => Err(Error::new("x".repeat(5_000_000))),
        "large details" => Err(Error::new("details").with_details("y".repeat(3_000_000))),
        "panics with an object" => std::panic::panic_any(PanicsWhenDropped),
        _ => panic!("on purpose"),
    }
}

async fn answer_of(env: &TestEnvironment, how: &str) -> Result<f64> {
    let answer = values_through_an_engine(how.to_owned()).execute(env.ostro());
    tokio::time::timeout(Duration::from_secs(60), answer).await.unwrap_or_else(|_| panic!("{how} is not answered"))
}

#[tokio::test(flavor = "multi_thread")]
async fn values_arrive_equal_or_are_refused_where_they_are_given() {
    let env = TestEnvironment::start().await.unwrap();
    let worker = env.worker().spawn().unwrap();
    assert_eq!(answer_of(&env, "equal").await.unwrap(), 1.1 * 0.3);
    for (how, said) in [
        ("argument", "argument 1, order.lines[1].price: NaN cannot be sent as JSON"),
        ("second", "argument 2, factor: Infinity cannot be sent as JSON"),
        ("result of an activity", "the result: Infinity cannot be sent as JSON"),
        ("result", "the result: NaN cannot be sent as JSON"),
    ] {
        let error = answer_of(&env, how).await.unwrap_err();
        assert!(error.message().contains(said), "{how}: {error}");
        assert_eq!(error.type_name(), Some("InvalidPayload"), "{how}");
    }
    worker.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_an_error_does_it_is_answered() {
    // A backtrace of each of the panics here would take longer than everything else.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let env = TestEnvironment::start().await.unwrap();
    let worker = env.worker().spawn().unwrap();
    for how in WAYS {
        let error = answer_of(&env, how).await.unwrap_err();
        assert!(error.message().chars().count() < 20_000, "{how}");
        let answer = misbehaves_itself(how.to_owned()).execute(env.ostro());
        let answer = tokio::time::timeout(Duration::from_secs(60), answer).await;
        assert!(answer.unwrap_or_else(|_| panic!("{how} is not answered")).is_err(), "{how}");
    }
    let chain = answer_of(&env, "chain").await.unwrap_err();
    let causes: Vec<String> =
        std::iter::successors(chain.cause(), |error| error.cause()).map(|error| error.message().to_owned()).collect();
    assert!(causes.len() <= 20 && causes.last().unwrap().starts_with('['), "{causes:?}");
    worker.shutdown().await.unwrap();
}

/// What is shared is sent as what it holds.
#[test]
fn shared_values_are_sent_as_what_they_hold() {
    let shared = Arc::new(0.5_f64);
    let encoded = (&&&Probe(&*shared)).encode();
    assert!(Arguments::new().push("value", encoded).into_payloads().is_ok());
}
