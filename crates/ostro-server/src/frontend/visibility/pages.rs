//! Page tokens as clients are given them: sealed, and bound to the list that gave them out.
//!
//! A list reads and writes tokens as it likes; between it and its client the seal is put on and taken off. A token of
//! another namespace, query or method, or one that was changed, is refused before the list sees it.

use std::marker::PhantomData;

use ostro_engine::error::Error;
use ostro_engine::seal::Kind;
use ostro_wire::{Answer, Reply};
use prost::Message;
use temporalio_protos::temporal::api::{operatorservice::v1 as operator, workflowservice::v1 as service};
use tonic::Status;

use crate::frontend::Frontend;
use crate::frontend::status::status;

/// A request for a page of a list.
pub(crate) trait Paged: Message {
    type Page: Message + Default;
    const LIST: &'static str;

    fn token(&mut self) -> &mut Vec<u8>;
    /// How many entries are wanted; it may change from page to page.
    fn size(&mut self) -> &mut i32;
    fn next_token(page: &mut Self::Page) -> &mut Vec<u8>;
}

macro_rules! paged {
    ($($module:ident::$request:ident, $size:ident -> $page:ident;)*) => {
        $(impl Paged for $module::$request {
            type Page = $module::$page;
            const LIST: &'static str = stringify!($request);

            fn token(&mut self) -> &mut Vec<u8> {
                &mut self.next_page_token
            }

            fn size(&mut self) -> &mut i32 {
                &mut self.$size
            }

            fn next_token(page: &mut Self::Page) -> &mut Vec<u8> {
                &mut page.next_page_token
            }
        })*
    };
}

paged! {
    service::ListWorkflowExecutionsRequest, page_size -> ListWorkflowExecutionsResponse;
    service::ScanWorkflowExecutionsRequest, page_size -> ScanWorkflowExecutionsResponse;
    service::ListOpenWorkflowExecutionsRequest, maximum_page_size -> ListOpenWorkflowExecutionsResponse;
    service::ListClosedWorkflowExecutionsRequest, maximum_page_size -> ListClosedWorkflowExecutionsResponse;
    service::ListActivityExecutionsRequest, page_size -> ListActivityExecutionsResponse;
    service::ListNexusOperationExecutionsRequest, page_size -> ListNexusOperationExecutionsResponse;
    service::ListSchedulesRequest, maximum_page_size -> ListSchedulesResponse;
    service::ListBatchOperationsRequest, page_size -> ListBatchOperationsResponse;
    service::ListWorkerDeploymentsRequest, page_size -> ListWorkerDeploymentsResponse;
    service::ListWorkersRequest, page_size -> ListWorkersResponse;
    service::ListNamespacesRequest, page_size -> ListNamespacesResponse;
    operator::ListNexusEndpointsRequest, page_size -> ListNexusEndpointsResponse;
}

/// Which list a token is of: the method, and all that selects.
pub(crate) struct List<R> {
    context: Vec<u8>,
    request: PhantomData<fn(R)>,
}

impl<R: Paged> List<R> {
    fn of(request: &mut R) -> Self {
        let size = std::mem::take(request.size());
        let context = [R::LIST.as_bytes(), &request.encode_to_vec()].concat();
        *request.size() = size;
        Self { context, request: PhantomData }
    }

    /// Seals the token of a page, if there are more.
    pub(crate) fn seal(&self, frontend: &Frontend, answer: Answer<R::Page>) -> Answer<R::Page> {
        let mut page = answer?.into_message()?;
        let token = R::next_token(&mut page);
        if !token.is_empty() {
            *token = frontend.seals.seal(Kind::Page, &self.context, token);
        }
        Ok(Reply::Message(page))
    }
}

impl Frontend {
    /// Takes the seal off the token of a request, if it has one.
    pub(crate) fn open_page<R: Paged>(&self, request: &mut R) -> Result<List<R>, Status> {
        let token = std::mem::take(request.token());
        let list = List::of(request);
        if !token.is_empty() {
            let body = self.seals.open(Kind::Page, &list.context, &token);
            *request.token() = body.ok_or_else(|| status(not_of_this_list()))?.to_vec();
        }
        Ok(list)
    }
}

/// A token that this list did not give out.
pub(crate) fn not_of_this_list() -> Error {
    Error::invalid(
        "Invalid NextPageToken: it is of another list, or was changed. Hand back the token of the page before unchanged, with \
         the same request, or none.",
    )
}
