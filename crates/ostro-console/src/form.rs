//! What a form sends, and how one is shown.

use crate::answer::Failure;

/// The fields of a form as they came, with their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sent(Vec<(String, String)>);

impl Sent {
    /// Reads a form, or the query of an address.
    ///
    /// # Errors
    /// [`Failure::Unreadable`].
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        serde_html_form::from_bytes(body).map(Self).map_err(|error| Failure::Unreadable(error.to_string()))
    }

    /// A field without the space around it; empty where it was not sent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field as it came.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// Whether a box was ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(found, _)| found == name)
    }

    /// Those fields whose names begin so, without that.
    pub(crate) fn within(&self, prefix: &str) -> Self {
        let own =
            self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
        Self(own.collect())
    }

    /// All values of a field.
    pub(crate) fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// How a field looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Line,
    /// Several lines of JSON.
    Json,
    Check,
    Choice,
    Time,
}

/// A field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub value: String,
    /// A sentence under it.
    pub help: String,
    pub required: bool,
    /// Of a choice: values and texts. Of a line: what may be meant.
    pub options: Vec<(String, String)>,
}

impl Field {
    /// A field with nothing in it.
    pub(crate) fn new(kind: Kind, name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            value: String::new(),
            help: String::new(),
            required: false,
            options: Vec::new(),
        }
    }

    pub(crate) fn help(mut self, help: &str) -> Self {
        self.help = help.to_owned();
        self
    }

    pub(crate) fn value(mut self, value: &str) -> Self {
        self.value = value.to_owned();
        self
    }

    pub(crate) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) fn options(mut self, options: Vec<(String, String)>) -> Self {
        self.options = options;
        self
    }

    /// For templates, which know no enumerations.
    pub(crate) fn is(&self, kind: &str) -> bool {
        matches!(
            (self.kind, kind),
            (Kind::Line, "line")
                | (Kind::Json, "json")
                | (Kind::Check, "check")
                | (Kind::Choice, "choice")
                | (Kind::Time, "time")
        )
    }
}

/// A form of one purpose.
pub(crate) struct Form {
    pub title: String,
    /// What happens when it is sent.
    pub explains: String,
    /// On the button.
    pub verb: &'static str,
    /// Whether what it does cannot be undone.
    pub destroys: bool,
    pub fields: Vec<Field>,
}

impl Form {
    /// The same form with what was sent in its fields, to be mended.
    pub(crate) fn filled(mut self, sent: &Sent) -> Self {
        for field in &mut self.fields {
            field.value = sent.raw(&field.name).to_owned();
        }
        self
    }
}
