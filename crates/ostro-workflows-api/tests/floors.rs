//! The arrow rule: `http` → `service` → `store` → `model`. A floor imports from those below it only, rooms of the services know
//! those before them only, and what is of HTTP stays on the uppermost floor.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// From the bottom up.
const FLOORS: [&str; 4] = ["model", "store", "service", "http"];
/// Rooms of `service`, each of which knows those before it.
const ROOMS: [&str; 12] = [
    "keys",
    "route_tokens",
    "open_streams",
    "registry",
    "api",
    "engine",
    "journal",
    "executions",
    "schedules",
    "workers",
    "telemetry",
    "retention",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under a folder of the sources, with its text up to its tests.
fn files(folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![source().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(source()).unwrap().display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("tests.rs") && !name.contains("testing") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                found.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    found
}

/// What a text names under `crate::`, as paths of two steps: `service::keys`.
fn named(text: &str) -> Vec<(String, String)> {
    text.match_indices("crate::")
        .map(|(at, found)| {
            let mut steps = text[at + found.len()..].split("::").map(|step| {
                let end = step.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                step[..end.unwrap_or(step.len())].to_owned()
            });
            (steps.next().unwrap_or_default(), steps.next().unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_floor_imports_from_those_below_it_only() {
    let mut wrong = Vec::new();
    for (height, floor) in FLOORS.iter().enumerate() {
        for (file, text) in files(floor) {
            for (other, _) in named(&text) {
                if FLOORS.iter().position(|floor| *floor == other).is_some_and(|above| above > height) {
                    wrong.push(format!("{file} imports from {other}, which is above {floor}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_room_of_the_services_knows_those_before_it_only() {
    let mut wrong = Vec::new();
    for (place, room) in ROOMS.iter().enumerate() {
        let own = |file: &str| file.starts_with(&format!("service/{room}/")) || file == format!("service/{room}.rs");
        for (file, text) in files("service").into_iter().filter(|(file, _)| own(file)) {
            for (_, other) in named(&text).into_iter().filter(|(floor, _)| floor == "service") {
                if ROOMS.iter().position(|room| *room == other).is_some_and(|after| after > place) {
                    wrong.push(format!("{file} knows {other}, which comes after {room}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let folders = files("service").into_keys().map(|file| file.split(['/', '.']).nth(1).unwrap().to_owned());
    let unknown: Vec<_> = folders.filter(|room| room != "mod" && !ROOMS.contains(&room.as_str())).collect();
    assert!(unknown.is_empty(), "rooms without a place in the order: {unknown:?}");
}

#[test]
fn what_is_of_http_stays_on_the_uppermost_floor() {
    for floor in ["model", "store", "service"] {
        for (file, text) in files(floor) {
            assert!(!text.contains("axum"), "{file} names axum: take requests and shape answers in http/");
            assert!(floor == "model" || !text.contains("utoipa"), "{file} names utoipa: the document is made in http/");
        }
    }
}
