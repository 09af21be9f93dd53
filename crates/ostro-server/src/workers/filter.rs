//! The filter of ListWorkers: comparisons of a worker's fields with strings, joined by AND, OR and parentheses.
//!
//! As on the reference server a filter that asks for what a field cannot do, or for a field that there is not, selects
//! no worker; one that is no filter at all is refused.

use ostro_engine::error::{Error, Result};
use ostro_engine::rfc3339;
use temporalio_protos::temporal::api::enums::v1::WorkerStatus;
use temporalio_protos::temporal::api::worker::v1::WorkerHeartbeat;

/// A parsed filter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Filter {
    All,
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Compare { field: String, operator: Operator, value: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    StartsWith,
    NotStartsWith,
    IsNull,
    IsNotNull,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// # Errors
    /// INVALID_ARGUMENT where the text is no filter.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let mut parser = Parser { tokens: tokens(text)?, at: 0 };
        let filter = parser.alternatives()?;
        if parser.at < parser.tokens.len() {
            return Err(malformed(&format!("what is {:?}?", parser.tokens[parser.at])));
        }
        Ok(filter)
    }

    pub(crate) fn matches(&self, worker: &WorkerHeartbeat) -> bool {
        match self {
            Self::All => true,
            Self::And(left, right) => left.matches(worker) && right.matches(worker),
            Self::Or(left, right) => left.matches(worker) || right.matches(worker),
            Self::Compare { field, operator, value } => compare(worker, field, *operator, value),
        }
    }
}

fn compare(worker: &WorkerHeartbeat, field: &str, operator: Operator, value: &str) -> bool {
    if let "StartTime" | "HeartbeatTime" = field {
        let time = if field == "StartTime" { worker.start_time } else { worker.heartbeat_time };
        return compare_time(time.map(|t| (t.seconds, t.nanos)), operator, value);
    }
    let Some(own) = text_of(worker, field) else { return false };
    match operator {
        Operator::Equal => own == value,
        Operator::NotEqual => own != value,
        Operator::StartsWith => own.starts_with(value),
        Operator::NotStartsWith => !own.starts_with(value),
        Operator::IsNull => own.is_empty(),
        Operator::IsNotNull => !own.is_empty(),
        _ => false,
    }
}

fn compare_time(own: Option<(i64, i32)>, operator: Operator, value: &str) -> bool {
    match (operator, own, rfc3339::parse(value)) {
        (Operator::IsNull, own, _) => own.is_none(),
        (Operator::IsNotNull, own, _) => own.is_some(),
        (operator, Some((seconds, nanos)), Some(asked)) => {
            let own = i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
            match operator {
                Operator::Equal => own == asked,
                Operator::NotEqual => own != asked,
                Operator::Less => own < asked,
                Operator::LessOrEqual => own <= asked,
                Operator::Greater => own > asked,
                Operator::GreaterOrEqual => own >= asked,
                _ => false,
            }
        }
        _ => false,
    }
}

fn text_of(worker: &WorkerHeartbeat, field: &str) -> Option<String> {
    let version = worker.deployment_version.clone().unwrap_or_default();
    Some(match field {
        "WorkerInstanceKey" => worker.worker_instance_key.clone(),
        "WorkerIdentity" => worker.worker_identity.clone(),
        "HostName" => worker.host_info.as_ref().map(|host| host.host_name.clone()).unwrap_or_default(),
        "TaskQueue" => worker.task_queue.clone(),
        "DeploymentName" => version.deployment_name,
        "BuildId" => version.build_id,
        "SdkName" => worker.sdk_name.clone(),
        "SdkVersion" => worker.sdk_version.clone(),
        "WorkerStatus" | "Status" | "status" => status_name(worker.status()).to_owned(),
        _ => return None,
    })
}

fn status_name(status: WorkerStatus) -> &'static str {
    match status {
        WorkerStatus::Unspecified => "Unspecified",
        WorkerStatus::Running => "Running",
        WorkerStatus::ShuttingDown => "ShuttingDown",
        WorkerStatus::Shutdown => "Shutdown",
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")"];

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while !rest.is_empty() {
        let length = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let end = rest[1..].find(quote).ok_or_else(|| malformed("a text does not end"))?;
            tokens.push(Token::Text(rest[1..1 + end].to_owned()));
            end + 2
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '`'))).unwrap_or(rest.len());
            if end == 0 {
                return Err(malformed(&format!("what is {rest:?}?")));
            }
            tokens.push(Token::Word(rest[..end].trim_matches('`').to_owned()));
            end
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn alternatives(&mut self) -> Result<Filter> {
        let mut filter = self.conjunction()?;
        while self.takes_word("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.conjunction()?));
        }
        Ok(filter)
    }

    fn conjunction(&mut self) -> Result<Filter> {
        let mut filter = self.condition()?;
        while self.takes_word("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.condition()?));
        }
        Ok(filter)
    }

    fn condition(&mut self) -> Result<Filter> {
        if self.takes(&Token::Sign("(")) {
            let filter = self.alternatives()?;
            return if self.takes(&Token::Sign(")")) { Ok(filter) } else { Err(malformed("a parenthesis stays open")) };
        }
        let Some(Token::Word(field)) = self.next() else { return Err(malformed("the name of a field is missing")) };
        if self.takes_word("between") {
            return self.between(field);
        }
        let operator = self.operator()?;
        let value = match operator {
            Operator::IsNull | Operator::IsNotNull => String::new(),
            _ => self.value()?,
        };
        Ok(Filter::Compare { field, operator, value })
    }

    fn between(&mut self, field: String) -> Result<Filter> {
        let from = self.value()?;
        if !self.takes_word("and") {
            return Err(malformed("BETWEEN needs AND"));
        }
        let value = self.value()?;
        let from = Filter::Compare { field: field.clone(), operator: Operator::GreaterOrEqual, value: from };
        let to = Filter::Compare { field, operator: Operator::LessOrEqual, value };
        Ok(Filter::And(Box::new(from), Box::new(to)))
    }

    fn operator(&mut self) -> Result<Operator> {
        if self.takes_word("is") {
            let not = self.takes_word("not");
            if !self.takes_word("null") {
                return Err(malformed("IS needs NULL"));
            }
            return Ok(if not { Operator::IsNotNull } else { Operator::IsNull });
        }
        let not = self.takes_word("not");
        if self.takes_word("starts_with") {
            return Ok(if not { Operator::NotStartsWith } else { Operator::StartsWith });
        }
        match self.next() {
            Some(Token::Sign("=")) if !not => Ok(Operator::Equal),
            Some(Token::Sign("!=" | "<>")) if !not => Ok(Operator::NotEqual),
            Some(Token::Sign("<")) if !not => Ok(Operator::Less),
            Some(Token::Sign("<=")) if !not => Ok(Operator::LessOrEqual),
            Some(Token::Sign(">")) if !not => Ok(Operator::Greater),
            Some(Token::Sign(">=")) if !not => Ok(Operator::GreaterOrEqual),
            _ => Err(malformed("an operator is missing")),
        }
    }

    fn value(&mut self) -> Result<String> {
        match self.next() {
            Some(Token::Text(text) | Token::Word(text)) => Ok(text),
            _ => Err(malformed("a value is missing")),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }
}

fn malformed(what: &str) -> Error {
    Error::invalid(format!("malformed query: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_select_what_they_say() {
        let worker = WorkerHeartbeat {
            task_queue: "queue".into(),
            sdk_name: "sdk".into(),
            status: WorkerStatus::Running as i32,
            start_time: ostro_engine::time::timestamp((1_700_000_000 * ostro_engine::time::SECOND).since_epoch()),
            ..Default::default()
        };
        for (text, selects) in [
            ("", true),
            ("TaskQueue = 'queue'", true),
            ("TaskQueue='other' OR SdkName STARTS_WITH 's'", true),
            ("(TaskQueue='other' OR SdkName='sdk') AND Status = 'Running'", true),
            ("TaskQueue not starts_with 'q'", false),
            ("HostName IS NULL AND TaskQueue IS NOT NULL", true),
            ("StartTime > '2020-01-01T00:00:00Z'", true),
            ("StartTime BETWEEN '2020-01-01T00:00:00Z' AND '2021-01-01T00:00:00Z'", false),
            ("NoSuchField = 'x'", false),
            ("TaskQueue > 'a'", false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().matches(&worker), selects, "{text}");
        }
        for text in
            ["TaskQueue =", "TaskQueue 'queue'", "(TaskQueue = 'q'", "= 'q'", "TaskQueue = 'q' SdkName = 's'", "%"]
        {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
