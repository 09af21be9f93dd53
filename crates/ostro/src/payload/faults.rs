//! Where, and why, a value cannot be sent: serde's view of it, walked with the place that each part has.

use std::collections::HashSet;
use std::fmt::{self, Display, Write as _};

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// What is nested deeper than this is not read again by `serde_json`.
const DEPTH_MAX: usize = 127;

/// A place within a value, such as `.lines[3].price`, and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub place: Option<String>,
    pub reason: String,
}

impl Fault {
    pub fn new(reason: impl Display) -> Self {
        Self { place: None, reason: reason.to_string() }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place.as_deref().unwrap_or_default(), self.reason)
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(format_args!("it cannot be written as JSON: {message}"))
    }
}

/// The first part of `value` that would not arrive as it is.
pub(crate) fn find<T: Serialize + ?Sized>(value: &T) -> Result<(), Fault> {
    let mut path = String::new();
    value.serialize(Walk { path: &mut path, depth: 0 }).map(|_| ())
}

/// What a value is in JSON, as far as it matters.
#[derive(PartialEq, Eq)]
enum Form {
    Null,
    Other,
}

struct Walk<'a> {
    path: &'a mut String,
    depth: usize,
}

type Walked = Result<Form, Fault>;

impl<'a> Walk<'a> {
    /// The parts of a list or an object, `levels` deeper.
    fn into(self, levels: usize) -> Result<Parts<'a>, Fault> {
        let depth = self.depth + levels;
        if depth > DEPTH_MAX {
            return Err(Fault::new(format_args!(
                "it is nested deeper than {DEPTH_MAX} levels, and would not be read again"
            )));
        }
        Ok(Parts { path: self.path, depth, count: 0, keys: HashSet::new(), key: String::new() })
    }

    fn float(value: f64) -> Walked {
        if value.is_finite() {
            return Ok(Form::Other);
        }
        let name = if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        };
        Err(Fault::new(format_args!("{name} cannot be sent as JSON: send None, a text, or another number")))
    }
}

macro_rules! plain {
    ($($name:ident: $kind:ty),* $(,)?) => {
        $(fn $name(self, _: $kind) -> Walked { Ok(Form::Other) })*
    };
}

impl<'a> Serializer for Walk<'a> {
    type Ok = Form;
    type Error = Fault;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    plain! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8],
    }

    fn serialize_f32(self, value: f32) -> Walked {
        Self::float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Walked {
        Self::float(value)
    }

    fn serialize_none(self) -> Walked {
        Ok(Form::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Walked {
        match value.serialize(self)? {
            Form::Other => Ok(Form::Other),
            Form::Null => Err(Fault::new(
                "Some of what is null in JSON (None, a unit) would arrive as None: use an enum that tells them apart",
            )),
        }
    }

    fn serialize_unit(self) -> Walked {
        Ok(Form::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Walked {
        Ok(Form::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Walked {
        Ok(Form::Other)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Walked {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Walked {
        self.into(1)?.step(format_args!(".{name}"), value)?;
        Ok(Form::Other)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Fault> {
        self.into(1)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Fault> {
        self.into(1)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Fault> {
        self.into(1)
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Parts<'a>, Fault> {
        self.into(2)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Fault> {
        self.into(1)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Fault> {
        self.into(1)
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Parts<'a>, Fault> {
        self.into(2)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Walked {
        match write!(String::new(), "{value}") {
            Ok(()) => Ok(Form::Other),
            Err(_) => Err(Fault::new("its Display gives an error, so it has no text")),
        }
    }
}

/// The parts of a list, a map or a struct.
struct Parts<'a> {
    path: &'a mut String,
    depth: usize,
    count: usize,
    keys: HashSet<String>,
    key: String,
}

impl Parts<'_> {
    fn step<T: Serialize + ?Sized>(&mut self, step: fmt::Arguments<'_>, value: &T) -> Result<(), Fault> {
        let before = self.path.len();
        write!(self.path, "{step}").map_err(Fault::new)?;
        let walked = value.serialize(Walk { path: self.path, depth: self.depth });
        let walked = walked.map_err(|mut fault| {
            fault.place.get_or_insert_with(|| self.path.clone());
            fault
        });
        self.path.truncate(before);
        walked.map(|_| ())
    }

    fn next<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let number = self.count;
        self.count += 1;
        self.step(format_args!("[{number}]"), value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
        self.step(format_args!(".{name}"), value)
    }
}

/// A map of one entry, to learn how its key is written.
struct OneKey<'a, T: ?Sized>(&'a T);

impl<T: Serialize + ?Sized> Serialize for OneKey<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.0, &())?;
        map.end()
    }
}

impl SerializeMap for Parts<'_> {
    type Ok = Form;
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Fault> {
        let at = |reason: String, path: &str| Fault { place: Some(path.to_owned()), reason };
        let written = serde_json::to_string(&OneKey(key)).map_err(|error| {
            let reason =
                format!("its keys cannot be those of a JSON object ({error}): use text, numbers, or a list of pairs");
            at(reason, self.path)
        })?;
        self.key = written.trim_start_matches('{').trim_end_matches(":null}").to_owned();
        if !self.keys.insert(self.key.clone()) {
            return Err(at(format!("two of its keys are written alike, as {}", self.key), self.path));
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        let key = std::mem::take(&mut self.key);
        self.step(format_args!("[{key}]"), value)
    }

    fn end(self) -> Walked {
        Ok(Form::Other)
    }
}

macro_rules! listed {
    ($($kind:ident::$method:ident),*) => {
        $(impl $kind for Parts<'_> {
            type Ok = Form;
            type Error = Fault;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
                self.next(value)
            }

            fn end(self) -> Walked {
                Ok(Form::Other)
            }
        })*
    };
}

listed!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! named {
    ($($kind:ident),*) => {
        $(impl $kind for Parts<'_> {
            type Ok = Form;
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Fault> {
                self.field(name, value)
            }

            fn end(self) -> Walked {
                Ok(Form::Other)
            }
        })*
    };
}

named!(SerializeStruct, SerializeStructVariant);
