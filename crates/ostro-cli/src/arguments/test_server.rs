//! `ostro PORT`: how SDKs start the server of a time-skipping test environment.

use std::ffi::OsString;

/// Turns `ostro PORT` into `ostro dev --time-skipping` on that port; leaves everything else as it is.
pub fn expand(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let port = arguments.get(1).and_then(|word| word.to_str()).and_then(|word| word.parse::<u16>().ok());
    if let Some(port) = port {
        let listen = format!("127.0.0.1:{port}");
        let words =
            ["dev", "--time-skipping", "--log-level", "warn", "--http-listen", "127.0.0.1:0", "--listen", &listen];
        arguments.splice(1..2, words.map(OsString::from));
    }
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str) -> String {
        let words = expand(line.split_whitespace().map(OsString::from));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_a_port_stands_for_a_test_server() {
        let server = "ostro dev --time-skipping --log-level warn --http-listen 127.0.0.1:0 --listen 127.0.0.1:7300";
        assert_eq!(expanded("ostro 7300"), server);
        assert_eq!(expanded("ostro 7300 --namespace a"), format!("{server} --namespace a"));
        for line in ["ostro", "ostro dev", "ostro 70000", "ostro workflow list"] {
            assert_eq!(expanded(line), line);
        }
    }
}
