use crate::error::{Error, Result};
use crate::persistence::{NamespaceId, NamespaceRow};
use std::collections::BTreeMap;
pub struct Namespace { pub id: NamespaceId, pub uuid: String, pub name: String, pub retention: i64, pub search_attributes: BTreeMap<String, i32> }
#[derive(Default)]
pub struct Namespaces { all: Vec<Namespace> }
impl Namespaces {
    pub fn restore(_rows: Vec<NamespaceRow>) -> Self { Self::default() }
    pub fn get(&self, name: &str) -> Result<&Namespace> { self.all.iter().find(|n| n.name == name).ok_or_else(|| Error::namespace_not_found(name)) }
    pub fn by_id(&self, id: NamespaceId) -> Option<&Namespace> { self.all.iter().find(|n| n.id == id) }
}
