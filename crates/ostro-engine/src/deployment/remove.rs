//! Creation without a poll, and deletion.

use temporalio_protos::temporal::api::enums::v1::WorkerDeploymentVersionStatus as Status;

use super::Deployments;
use super::change::{check_manager, token};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::time::Time;
use crate::base::version::Version;
use crate::stored::persistence::{NamespaceId, Write};

impl Deployments {
    /// Makes a deployment without versions; returns its conflict token. The same request makes it once.
    ///
    /// # Errors
    /// ALREADY_EXISTS where another request or a poll has made it.
    pub(crate) fn create(
        &mut self,
        namespace: NamespaceId,
        name: &str,
        identity: &str,
        request_id: &str,
        now: Time,
    ) -> Result<(Vec<u8>, Vec<Write>)> {
        if let Ok(state) = self.get(namespace, name) {
            return match !request_id.is_empty() && state.create_request_id == request_id {
                true => Ok((token(state), Vec::new())),
                false => Err(exists(format!("Worker Deployment with name \"{name}\" already exists"))),
            };
        }
        self.ensure_deployment(namespace, name, now)?;
        let state = self.get_mut(namespace, name)?;
        identity.clone_into(&mut state.last_modifier);
        request_id.clone_into(&mut state.create_request_id);
        let token = token(state);
        Ok((token, self.write(namespace, name).into_iter().collect()))
    }

    /// Makes a version that no worker polls for yet. The same request makes it once.
    ///
    /// # Errors
    /// NOT_FOUND for the deployment, ALREADY_EXISTS for the version.
    pub(crate) fn create_version(
        &mut self,
        namespace: NamespaceId,
        version: &Version,
        identity: &str,
        request_id: &str,
        now: Time,
    ) -> Result<Vec<Write>> {
        let deployment = self.get(namespace, &version.deployment)?;
        if let Some(state) = deployment.versions.get(&version.build_id) {
            return match !request_id.is_empty() && state.create_request_id == request_id {
                true => Ok(Vec::new()),
                false => Err(exists(format!("Worker Deployment Version \"{}\" already exists", version.name()))),
            };
        }
        let state = self.ensure_version(namespace, version, Status::Created, now)?;
        request_id.clone_into(&mut state.create_request_id);
        identity.clone_into(&mut state.last_modifier);
        Ok(self.write(namespace, &version.deployment).into_iter().collect())
    }

    /// Deletes a version. One that is not there is what the caller wants. `has_pollers` tells whether workers of it are there.
    ///
    /// # Errors
    /// NOT_FOUND for the deployment; FAILED_PRECONDITION for a version that is current or ramping, is polled, or drains
    /// without `skip_drainage`, and for a foreign manager.
    pub(crate) fn delete_version(
        &mut self,
        namespace: NamespaceId,
        version: &Version,
        identity: &str,
        skip_drainage: bool,
        has_pollers: bool,
    ) -> Result<Vec<Write>> {
        let deployment = self.get_mut(namespace, &version.deployment)?;
        let Some(state) = deployment.versions.get(&version.build_id) else { return Ok(Vec::new()) };
        let refuse = |why: &str| {
            Err(Error::failed_precondition(format!("version '{}' cannot be deleted since it {why}", version.name())))
        };
        if deployment.is_current_or_ramping(&version.build_id) {
            return refuse("is current or ramping");
        }
        check_manager(deployment, identity)?;
        if state.is_draining() && !skip_drainage {
            return refuse("is draining");
        }
        if has_pollers {
            return refuse("has active pollers");
        }
        deployment.versions.remove(&version.build_id);
        identity.clone_into(&mut deployment.last_modifier);
        Ok(self.write(namespace, &version.deployment).into_iter().collect())
    }

    /// Deletes a deployment. One that is not there is what the caller wants.
    ///
    /// # Errors
    /// FAILED_PRECONDITION while it has versions.
    pub(crate) fn delete(&mut self, namespace: NamespaceId, name: &str) -> Result<Vec<Write>> {
        let Ok(state) = self.get(namespace, name) else { return Ok(Vec::new()) };
        if !state.versions.is_empty() {
            return Err(Error::failed_precondition("deployment has versions, can't be deleted"));
        }
        Ok(vec![self.forget(namespace, name)])
    }
}

fn exists(message: String) -> Error {
    Error::new(ErrorKind::AlreadyExists, message)
}
