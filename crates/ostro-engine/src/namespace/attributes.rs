//! The calls on a namespace's search attributes.

use temporalio_protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, AddSearchAttributesResponse, ListSearchAttributesRequest, ListSearchAttributesResponse,
    RemoveSearchAttributesRequest, RemoveSearchAttributesResponse,
};

use super::{Namespace, Namespaces, Outcome};
use crate::base::error::{Error, ErrorKind, Result};
use crate::search::{SYSTEM, Type, is_reserved, system};

/// Custom attributes of one namespace; the reference server on SQLite allows 3 or 10 of each type.
const CUSTOM_MAX: usize = 500;
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 1000;

impl Namespaces {
    /// Adds custom attributes; one that exists with the same type stays as it is.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for reserved, empty or long names, unknown types, and beyond 500 attributes; ALREADY_EXISTS for
    /// a name that has another type (the reference server says yes and changes nothing). Nothing is added then.
    pub fn add_search_attributes(
        &mut self,
        request: AddSearchAttributesRequest,
    ) -> Outcome<AddSearchAttributesResponse> {
        let namespace = self.of_request(&request.namespace, request.search_attributes.is_empty())?;
        let id = namespace.id;
        let mut attributes: Vec<_> = request.search_attributes.into_iter().collect();
        attributes.sort();
        for (name, ty) in &attributes {
            check_new(namespace, name, *ty)?;
        }
        let new = attributes.iter().filter(|(name, _)| !namespace.search_attributes.contains_key(name)).count();
        if namespace.search_attributes.len() + new > CUSTOM_MAX {
            return Err(Error::invalid(format!(
                "Unable to create search attributes: cannot have more than {CUSTOM_MAX} custom search attributes."
            )));
        }
        let writes = self.change(id, |namespace| namespace.search_attributes.extend(attributes));
        Ok((AddSearchAttributesResponse {}, writes))
    }

    /// Removes custom attributes; names that there are not are passed over. Stored values stay with their executions.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for system and predefined attributes. Nothing is removed then.
    pub fn remove_search_attributes(
        &mut self,
        request: &RemoveSearchAttributesRequest,
    ) -> Outcome<RemoveSearchAttributesResponse> {
        let id = self.of_request(&request.namespace, request.search_attributes.is_empty())?.id;
        let fixed: Vec<_> = request.search_attributes.iter().filter(|name| system(name).is_some()).cloned().collect();
        if !fixed.is_empty() {
            let fixed = fixed.join(", ");
            return Err(Error::invalid(format!("Unable to remove non-custom search attributes: {fixed}.")));
        }
        let writes = self.change(id, |namespace| {
            namespace.search_attributes.retain(|name, _| !request.search_attributes.contains(name));
        });
        Ok((RemoveSearchAttributesResponse {}, writes))
    }

    /// Every attribute of a namespace, custom and system.
    pub fn list_search_attributes(
        &self,
        request: &ListSearchAttributesRequest,
    ) -> Result<ListSearchAttributesResponse> {
        let namespace = self.of_request(&request.namespace, false)?;
        Ok(ListSearchAttributesResponse {
            custom_attributes: namespace.search_attributes.clone().into_iter().collect(),
            system_attributes: SYSTEM.iter().map(|a| (a.name.to_owned(), a.ty.number())).collect(),
            ..Default::default()
        })
    }

    /// The operator service has words of its own for a name that is missing.
    fn of_request(&self, namespace: &str, without_attributes: bool) -> Result<&Namespace> {
        if without_attributes {
            return Err(Error::invalid("SearchAttributes are not set on request."));
        }
        if namespace.is_empty() {
            return Err(Error::invalid("Namespace is not set on request."));
        }
        self.get(namespace)
    }
}

fn check_new(namespace: &Namespace, name: &str, number: i32) -> Result<()> {
    if is_reserved(name) {
        return Err(Error::invalid(format!("Search attribute {name} is reserved by system.")));
    }
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        let text = format!("Search attribute name must have 1 to {NAME_BYTES_MAX} bytes, not {}.", name.len());
        return Err(Error::invalid(text));
    }
    if Type::from_number(number).is_none() {
        return Err(match number {
            0 => Error::invalid(
                "Unable to create search attributes: cannot have more than 0 search attribute of type Unspecified.",
            ),
            _ => Error::invalid(format!("Unknown search attribute type: {number}.")),
        });
    }
    match namespace.search_attributes.get(name).copied() {
        Some(other) if other != number => {
            let ty = Type::from_number(other).map_or("unknown", Type::name);
            let text =
                format!("Search attribute {name} already exists with type {ty}: remove it first to change its type.");
            Err(Error::new(ErrorKind::AlreadyExists, text))
        }
        _ => Ok(()),
    }
}
