//! Values on the wire. JSON, which nearly all are, is bytes to Python; nothing is `None`; the rest is a [`Payload`].

use std::collections::HashMap;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};
use temporalio_common::protos::temporal::api::common::v1 as proto;

const ENCODING: &str = "encoding";
const JSON: &[u8] = b"json/plain";
const NULL: &[u8] = b"binary/null";

/// A value in an encoding of its own: `metadata` (text to bytes) and `data`.
#[pyclass(frozen, module = "ostro._core", from_py_object)]
#[derive(Clone)]
pub struct Payload {
    inner: proto::Payload,
}

#[pymethods]
impl Payload {
    #[new]
    fn new(metadata: HashMap<String, Vec<u8>>, data: Vec<u8>) -> Self {
        Self { inner: proto::Payload { metadata, data, ..Default::default() } }
    }

    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let metadata = PyDict::new(py);
        for (key, value) in &self.inner.metadata {
            metadata.set_item(key, PyBytes::new(py, value))?;
        }
        Ok(metadata)
    }

    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.data)
    }
}

pub fn to_python<'py>(py: Python<'py>, payload: &proto::Payload) -> PyResult<Bound<'py, PyAny>> {
    if payload.metadata.len() == 1
        && let Some(encoding) = payload.metadata.get(ENCODING)
    {
        if encoding == JSON {
            return Ok(PyBytes::new(py, &payload.data).into_any());
        }
        if encoding == NULL {
            return Ok(py.None().into_bound(py));
        }
    }
    Ok(Payload { inner: payload.clone() }.into_pyobject(py)?.into_any())
}

pub fn option_to_python<'py>(py: Python<'py>, payload: Option<&proto::Payload>) -> PyResult<Bound<'py, PyAny>> {
    payload.map_or_else(|| Ok(py.None().into_bound(py)), |payload| to_python(py, payload))
}

pub fn list_to_python<'py>(py: Python<'py>, payloads: &[proto::Payload]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for payload in payloads {
        list.append(to_python(py, payload)?)?;
    }
    Ok(list)
}

pub fn map_to_python<'py>(py: Python<'py>, payloads: &HashMap<String, proto::Payload>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, payload) in payloads {
        dict.set_item(name, to_python(py, payload)?)?;
    }
    Ok(dict)
}

pub fn from_python(value: &Bound<'_, PyAny>) -> PyResult<proto::Payload> {
    let (encoding, data) = if let Ok(json) = value.cast::<PyBytes>() {
        (JSON, json.as_bytes().to_vec())
    } else if value.is_none() {
        (NULL, Vec::new())
    } else {
        return Ok(value.extract::<Payload>()?.inner);
    };
    let metadata = HashMap::from([(ENCODING.to_owned(), encoding.to_vec())]);
    Ok(proto::Payload { metadata, data, ..Default::default() })
}

pub fn list_from_python(values: &Bound<'_, PyAny>) -> PyResult<Vec<proto::Payload>> {
    values.try_iter()?.map(|value| from_python(&value?)).collect()
}

pub fn map_from_python(values: &Bound<'_, PyAny>) -> PyResult<HashMap<String, proto::Payload>> {
    if values.is_none() {
        return Ok(HashMap::new());
    }
    values.cast::<PyDict>()?.iter().map(|(name, value)| Ok((name.extract()?, from_python(&value)?))).collect()
}

pub fn payloads(list: Vec<proto::Payload>) -> Option<proto::Payloads> {
    (!list.is_empty()).then_some(proto::Payloads { payloads: list })
}
