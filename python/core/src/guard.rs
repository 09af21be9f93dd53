//! Functions that break determinism, refused while workflow code runs.

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

thread_local! {
    static IN_WORKFLOW: Cell<bool> = const { Cell::new(false) };
}

/// Says whether this thread runs workflow code now; answers what it was.
#[pyfunction]
pub fn set_in_workflow(now: bool) -> bool {
    IN_WORKFLOW.replace(now)
}

/// Whether this thread runs workflow code.
#[pyfunction]
pub fn in_workflow() -> bool {
    IN_WORKFLOW.get()
}

/// Stands for a function: outside workflows it is that function, inside `refuse(name)` decides first.
#[pyclass(frozen, module = "ostro._core", dict)]
pub struct Guarded {
    #[pyo3(get, name = "__wrapped__")]
    original: Py<PyAny>,
    #[pyo3(get, name = "__name__")]
    name: String,
    refuse: Py<PyAny>,
}

#[pymethods]
impl Guarded {
    #[new]
    fn new(original: Py<PyAny>, name: String, refuse: Py<PyAny>) -> Self {
        Self { original, name, refuse }
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if IN_WORKFLOW.get() {
            self.refuse.bind(py).call1((&self.name,))?;
        }
        self.original.bind(py).call(args, kwargs)
    }

    /// Pickles by its name, as the function does.
    fn __reduce__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.original.bind(py).getattr("__name__")?.unbind())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.original.bind(py).repr()?.to_string())
    }
}
