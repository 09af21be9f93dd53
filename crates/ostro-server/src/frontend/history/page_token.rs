//! Where a client's reading of one run's history stands.

use ostro_engine::error::{Error, Result};
use ostro_engine::persistence::ExecutionId;
use ostro_engine::seal::{Kind, Seals};
use prost::Message;
use temporalio_protos::temporal::api::common::v1::WorkflowExecution;

/// Lifted when the fields change: tokens live as long as a client's loop.
const VERSION: u32 = 1;

/// The way in which a history is read: a token of the one is none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Back,
}

impl Direction {
    fn context(self) -> &'static [u8] {
        match self {
            Self::Forward => b"history",
            Self::Back => b"history, backwards",
        }
    }
}

/// Opaque to clients. Bound to its run.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct PageToken {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(int64, tag = "2")]
    pub execution: ExecutionId,
    #[prost(string, tag = "3")]
    pub workflow_id: String,
    #[prost(string, tag = "4")]
    pub run_id: String,
    /// The first event that the client has not seen.
    #[prost(int64, tag = "5")]
    pub from: i64,
    /// One more than the last event of this round.
    #[prost(int64, tag = "6")]
    pub to: i64,
    /// Whether the run was open when the round began.
    #[prost(bool, tag = "7")]
    pub open: bool,
    /// Encoded events that come after the last page and are in no history.
    #[prost(bytes = "vec", tag = "8")]
    pub extra: Vec<u8>,
}

impl PageToken {
    pub(crate) fn new(execution: ExecutionId, workflow_id: &str, run_id: &str) -> Self {
        Self {
            version: VERSION,
            execution,
            workflow_id: workflow_id.to_owned(),
            run_id: run_id.to_owned(),
            ..Default::default()
        }
    }

    /// The token that a client handed back for `run`; `None` where it has none yet.
    pub(crate) fn parse(
        seals: &Seals,
        direction: Direction,
        bytes: &[u8],
        run: &WorkflowExecution,
    ) -> Result<Option<Self>> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let token = seals.open(Kind::Page, direction.context(), bytes).and_then(|body| Self::decode(body).ok());
        let token = token.filter(|token| token.version == VERSION && token.execution > 0);
        let token = token.ok_or_else(|| {
            Error::invalid("Invalid NextPageToken: hand back the token of the page before unchanged, or none.")
        })?;
        let other_run = !run.run_id.is_empty() && run.run_id != token.run_id;
        if other_run || run.workflow_id != token.workflow_id {
            return Err(Error::invalid(format!(
                "RunId in the request does not match the NextPageToken. The token reads run {} of workflow {}.",
                token.run_id, token.workflow_id
            )));
        }
        Ok(Some(token))
    }

    /// The token as clients are given it.
    pub(crate) fn to_bytes(&self, seals: &Seals, direction: Direction) -> Vec<u8> {
        seals.seal(Kind::Page, direction.context(), &self.encode_to_vec())
    }

    /// Whether everything of this round was shown.
    pub(crate) fn is_done(&self) -> bool {
        self.from >= self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_for_their_run_only() {
        let run = |workflow_id: &str, run_id: &str| WorkflowExecution {
            workflow_id: workflow_id.into(),
            run_id: run_id.into(),
        };
        let token = PageToken { from: 5, to: 9, open: true, extra: vec![1], ..PageToken::new(3, "w", "r") };
        let seals = Seals::new(&[0; 32]);
        let parse = |bytes: &[u8], run: &WorkflowExecution| PageToken::parse(&seals, Direction::Forward, bytes, run);
        let bytes = token.to_bytes(&seals, Direction::Forward);
        assert_eq!(parse(&bytes, &run("w", "r")), Ok(Some(token.clone())));
        assert_eq!(parse(&bytes, &run("w", "")), Ok(Some(token.clone())));
        assert_eq!(parse(&[], &run("w", "r")), Ok(None));
        for (bytes, run) in [
            (&bytes, run("w", "other")),
            (&bytes, run("v", "r")),
            (&vec![0, 0, 0], run("w", "r")),
            (&token.encode_to_vec(), run("w", "r")),
            (&token.to_bytes(&seals, Direction::Back), run("w", "r")),
            (&token.to_bytes(&Seals::new(&[1; 32]), Direction::Forward), run("w", "r")),
        ] {
            assert!(parse(bytes, &run).is_err());
        }
    }
}
