//! Lists and counts of schedules. They see every change that was acknowledged before.

use ostro_engine::call::{ScheduleEntries, ScheduleRows};
use ostro_engine::error::Error;
use ostro_engine::schedule::Row;
use ostro_engine::search;
use ostro_engine::time::Time;
use ostro_store::visibility::Predicate;
use ostro_wire::{Answer, CallContext};
use prost::Message;
use temporalio_protos::temporal::api::schedule::v1::ScheduleListEntry;
use temporalio_protos::temporal::api::workflowservice::v1 as service;
use tonic::Status;

use crate::batch::attribute_types;
use crate::frontend::Frontend;
use crate::frontend::history::PAGE_BYTES_MAX;
use crate::frontend::status::status;
use crate::frontend::visibility::page_size;

/// The only attribute of the server's own that schedules can be filtered by, beside their id.
const PAUSED: &str = "TemporalSchedulePaused";
/// Schedules that the engine is asked for at once.
const ASKED_AT_ONCE: usize = 16;
const ID_NAMES: [&str; 2] = ["ScheduleId", "TemporalScheduleId"];

/// `ListSchedules`: the newest first.
pub(crate) async fn list(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::ListSchedulesRequest,
) -> Answer<service::ListSchedulesResponse> {
    let mut rows = frontend.selected_schedules(&request.namespace, &request.query).await?;
    rows.sort_by(|a, b| place(a).cmp(&place(b)));
    if let Some(last) = PageToken::parse(&request.next_page_token).map_err(status)? {
        rows.retain(|row| place(row) > (std::cmp::Reverse(Time::from_nanos(last.created)), last.schedule_id.as_str()));
    }
    let size = page_size(request.maximum_page_size);
    let schedules = frontend.schedule_page(&request.namespace, rows.iter().take(size)).await?;
    // Where one was deleted meanwhile, there are fewer than rows.
    let last = schedules.last().and_then(|last| rows.iter().position(|row| row.schedule_id == last.schedule_id));
    let end = last.map_or(size, |at| at + 1);
    let more = rows.len() > end;
    rows.truncate(end);
    let next_page_token = match rows.last() {
        Some(row) if more => {
            PageToken { created: row.created.nanos(), schedule_id: row.schedule_id.clone() }.encode_to_vec()
        }
        _ => Vec::new(),
    };
    Ok(service::ListSchedulesResponse { schedules, next_page_token }.into())
}

impl Frontend {
    /// The schedules of these rows, up to the one with which the page would grow too large.
    async fn schedule_page<'a>(
        &self,
        namespace: &str,
        rows: impl Iterator<Item = &'a Row>,
    ) -> Result<Vec<ScheduleListEntry>, Status> {
        let (mut schedules, mut bytes) = (Vec::new(), 0);
        let schedule_ids: Vec<String> = rows.map(|row| row.schedule_id.clone()).collect();
        // A few at a time: they are copied out of the engine before their size is known.
        for schedule_ids in schedule_ids.chunks(ASKED_AT_ONCE) {
            let (namespace, schedule_ids) = (namespace.to_owned(), schedule_ids.to_vec());
            for entry in self.ask(ScheduleEntries { namespace, schedule_ids }).await? {
                bytes += entry.encoded_len();
                if bytes > PAGE_BYTES_MAX && !schedules.is_empty() {
                    return Ok(schedules);
                }
                schedules.push(entry);
            }
        }
        Ok(schedules)
    }
}

/// `CountSchedules`.
pub(crate) async fn count(
    frontend: &Frontend,
    _context: &CallContext,
    request: service::CountSchedulesRequest,
) -> Answer<service::CountSchedulesResponse> {
    let rows = frontend.selected_schedules(&request.namespace, &request.query).await?;
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(service::CountSchedulesResponse { count, ..Default::default() }.into())
}

impl Frontend {
    async fn selected_schedules(&self, namespace: &str, query: &str) -> Result<Vec<Row>, Status> {
        let resolved = self.known_namespace(namespace).await?;
        let predicate = Predicate::parse(&attribute_types(&resolved), query).map_err(status)?;
        allowed(&predicate).map_err(status)?;
        let mut rows = self.ask(ScheduleRows { namespace: namespace.to_owned() }).await?;
        rows.retain(|row| predicate.selects(&row.values));
        Ok(rows)
    }
}

/// Schedules have few of the attributes that executions have.
fn allowed(predicate: &Predicate) -> Result<(), Error> {
    for name in predicate.names().chunks(2) {
        let [written, own] = name else { continue };
        let is_id = ID_NAMES.contains(&written.as_str());
        if search::is_reserved(own) && own != PAUSED && !is_id {
            return Err(Error::invalid(format!("invalid query filter for schedules: cannot filter on {own:?}")));
        }
    }
    Ok(())
}

/// Where a schedule stands in a list.
fn place(row: &Row) -> (std::cmp::Reverse<Time>, &str) {
    (std::cmp::Reverse(row.created), &row.schedule_id)
}

/// The last schedule of the page before.
#[derive(Clone, PartialEq, Message)]
struct PageToken {
    #[prost(int64, tag = "1")]
    created: i64,
    #[prost(string, tag = "2")]
    schedule_id: String,
}

impl PageToken {
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Error> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let token = Self::decode(bytes).ok().filter(|token| token.created > 0);
        token.map(Some).ok_or_else(|| {
            Error::invalid("Invalid NextPageToken: hand back the token of the page before unchanged, or none.")
        })
    }
}
