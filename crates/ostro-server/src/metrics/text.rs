//! Prometheus' text format.

use std::fmt::Write;

/// A page of metrics in the making.
#[derive(Debug, Default)]
pub(super) struct Text {
    page: String,
}

impl Text {
    /// The two lines that introduce a family of samples.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// One sample. Label values are ours: they need no escaping.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        if labels.is_empty() {
            return self.line(format_args!("{name} {value}"));
        }
        self.line(format_args!("{name}{{{}}} {value}", labels.join(",")));
    }

    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.labelled(name, "gauge", help, &[], value);
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.labelled(name, "counter", help, &[], value);
    }

    /// A family with one sample.
    pub(super) fn labelled(&mut self, name: &str, kind: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, kind, help);
        self.sample(name, labels, value);
    }

    pub(super) fn finish(self) -> String {
        self.page
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.page.write_fmt(format_args!("{line}\n")).expect("writing to a String cannot fail");
    }
}
