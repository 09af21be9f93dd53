//! A filter applied in memory, to what is not in the table of executions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use ostro_engine::error::Result;
use ostro_engine::persistence::SearchValue;
use rusqlite::types::Value;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use super::ast::{Comparison, Expression, Operator, Test};
use super::attribute::{canonical_name, resolve};
use super::errors::unsupported;
use super::{SearchAttributeTypes, parser, sql, text, value};

/// A filter over attributes by name, with the rules and errors of lists of executions.
#[derive(Debug, Clone)]
pub struct Predicate {
    condition: Condition,
    names: Vec<String>,
}

#[derive(Debug, Clone)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Test { name: String, kind: IndexedValueType, check: Check, negated: bool },
}

/// What a value is held against.
#[derive(Debug, Clone)]
enum Check {
    Compare(Comparison, Value),
    In(Vec<Value>),
    Between(Value, Value),
    StartsWith(String),
    IsNull,
}

impl Predicate {
    /// Reads a filter.
    ///
    /// # Errors
    /// INVALID_ARGUMENT as for lists of executions; also for ORDER BY and GROUP BY, which have no meaning here.
    pub fn parse(types: &SearchAttributeTypes, query: &str) -> Result<Self> {
        sql::compile(types, query)?;
        let query = parser::parse(query)?;
        if let Some(order) = query.order_by.first() {
            return Err(unsupported(order.name.position, "'ORDER BY' clause"));
        }
        if let Some(name) = query.group_by.first() {
            let what = format!("'GROUP BY' clause is not supported for search attribute {}", name.text);
            return Err(unsupported(name.position, &what));
        }
        let mut reader = Reader { types, names: Vec::new() };
        let condition = match query.filter {
            Some(filter) => reader.condition(filter, false)?,
            None => Condition::All(Vec::new()),
        };
        Ok(Self { condition, names: reader.names })
    }

    /// The attributes that the filter looks at, as they are written and by their own names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether something with these attributes is selected.
    pub fn selects(&self, values: &BTreeMap<String, SearchValue>) -> bool {
        self.condition.holds(values)
    }
}

struct Reader<'a> {
    types: &'a SearchAttributeTypes,
    names: Vec<String>,
}

impl Reader<'_> {
    /// Negation moves inwards: an attribute that is not set satisfies neither a condition nor its opposite.
    fn condition(&mut self, expression: Expression, negated: bool) -> Result<Condition> {
        Ok(match expression {
            Expression::Not(inner) => self.condition(*inner, !negated)?,
            Expression::And(terms) if negated => Condition::Any(self.conditions(terms, negated)?),
            Expression::And(terms) => Condition::All(self.conditions(terms, negated)?),
            Expression::Or(terms) if negated => Condition::All(self.conditions(terms, negated)?),
            Expression::Or(terms) => Condition::Any(self.conditions(terms, negated)?),
            Expression::Test(test) => self.test(test, negated)?,
        })
    }

    fn conditions(&mut self, terms: Vec<Expression>, negated: bool) -> Result<Vec<Condition>> {
        terms.into_iter().map(|term| self.condition(term, negated)).collect()
    }

    fn test(&mut self, test: Test, negated: bool) -> Result<Condition> {
        let attribute = resolve(self.types, &test.name)?;
        let name = canonical_name(self.types, &test.name.text).unwrap_or_else(|| test.name.text.clone());
        self.names.push(test.name.text);
        self.names.push(name.clone());
        let bound = |literal| value::bound(&attribute, literal);
        let (check, flipped) = match &test.operator {
            Operator::Compare(Comparison::NotEqual, literal) => {
                (Check::Compare(Comparison::Equal, bound(literal)?), true)
            }
            Operator::Compare(comparison, literal) => (Check::Compare(*comparison, bound(literal)?), false),
            Operator::In { negated, list } => (Check::In(list.iter().map(bound).collect::<Result<_>>()?), *negated),
            Operator::Between { negated, low, high } => (Check::Between(bound(low)?, bound(high)?), *negated),
            Operator::StartsWith { negated, prefix } => match bound(prefix)? {
                Value::Text(prefix) => (Check::StartsWith(prefix), *negated),
                _ => return Err(unsupported(test.position, "right-hand side of STARTS_WITH must be a string")),
            },
            Operator::IsNull { negated } => (Check::IsNull, *negated),
        };
        Ok(Condition::Test { name, kind: attribute.kind, check, negated: flipped != negated })
    }
}

impl Condition {
    fn holds(&self, values: &BTreeMap<String, SearchValue>) -> bool {
        match self {
            Condition::All(terms) => terms.iter().all(|term| term.holds(values)),
            Condition::Any(terms) => terms.iter().any(|term| term.holds(values)),
            Condition::Test { name, kind, check, negated } => match (values.get(name), check) {
                (value, Check::IsNull) => value.is_none() != *negated,
                // A list that is not there does not contain the value.
                (None, _) => *kind == IndexedValueType::KeywordList && *negated,
                (Some(value), check) => check.holds(value, *kind) != *negated,
            },
        }
    }
}

impl Check {
    fn holds(&self, value: &SearchValue, kind: IndexedValueType) -> bool {
        if let SearchValue::KeywordList(items) = value {
            return items.iter().any(|item| self.holds(&SearchValue::String(item.clone()), IndexedValueType::Keyword));
        }
        match self {
            Check::Compare(Comparison::Equal, Value::Text(words)) if kind == IndexedValueType::Text => {
                matches!(value, SearchValue::String(value) if text::contains(value, words))
            }
            Check::Compare(comparison, bound) => order(value, bound).is_some_and(|order| comparison.holds(order)),
            Check::In(list) => list.iter().any(|bound| order(value, bound) == Some(Ordering::Equal)),
            Check::Between(low, high) => {
                order(value, low).is_some_and(Ordering::is_ge) && order(value, high).is_some_and(Ordering::is_le)
            }
            Check::StartsWith(prefix) => matches!(value, SearchValue::String(value) if value.starts_with(prefix)),
            Check::IsNull => false,
        }
    }
}

fn order(value: &SearchValue, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (SearchValue::Bool(value), Value::Integer(bound)) => Some(i64::from(*value).cmp(bound)),
        (SearchValue::Int(value), Value::Integer(bound)) => Some(value.cmp(bound)),
        (SearchValue::Time(value), Value::Integer(bound)) => Some(value.nanos().cmp(bound)),
        (SearchValue::Int(value), Value::Real(bound)) => (*value as f64).partial_cmp(bound),
        (SearchValue::Double(value), Value::Real(bound)) => value.partial_cmp(bound),
        (SearchValue::Double(value), Value::Integer(bound)) => value.partial_cmp(&(*bound as f64)),
        (SearchValue::String(value), Value::Text(bound)) => Some(value.as_str().cmp(bound)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types() -> SearchAttributeTypes {
        use IndexedValueType::*;
        [("Team", Keyword), ("Size", Int), ("Tags", KeywordList), ("Notes", Text)]
            .map(|(name, kind)| (name.to_owned(), kind))
            .into()
    }

    fn values() -> BTreeMap<String, SearchValue> {
        [
            ("Team", SearchValue::String("red".into())),
            ("Size", SearchValue::Int(7)),
            ("Tags", SearchValue::KeywordList(vec!["a".into(), "b".into()])),
            ("Notes", SearchValue::String("the quick fox".into())),
            ("TemporalSchedulePaused", SearchValue::Bool(false)),
            ("WorkflowId", SearchValue::String("nightly".into())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    #[test]
    fn conditions_on_what_is_set() {
        for (query, selected) in [
            ("", true),
            ("Team = 'red'", true),
            ("Team != 'red'", false),
            ("NOT Team = 'blue'", true),
            ("Size > 6 AND Size <= 7.5", true),
            ("Size BETWEEN 8 AND 9 OR Team IN ('x', 'red')", true),
            ("Size NOT BETWEEN 8 AND 9", true),
            ("Tags = 'b'", true),
            ("Tags NOT IN ('b', 'z')", false),
            ("Notes = 'QUICK'", true),
            ("Notes = 'slow'", false),
            ("TemporalSchedulePaused = false", true),
            ("SchedulePaused = true", false),
            ("ScheduleId STARTS_WITH 'night'", true),
            ("ScheduleId NOT STARTS_WITH 'night'", false),
            ("NOT (Team = 'red' OR Size = 1)", false),
            ("Team IS NULL", false),
            ("Team IS NOT NULL", true),
        ] {
            let predicate = Predicate::parse(&types(), query).unwrap();
            assert_eq!(predicate.selects(&values()), selected, "{query}");
        }
    }

    #[test]
    fn what_is_not_set_satisfies_neither_a_condition_nor_its_opposite() {
        let nothing = BTreeMap::new();
        for (query, selected) in
            [("Team = 'red'", false), ("Team != 'red'", false), ("Tags != 'a'", true), ("Team IS NULL", true)]
        {
            let predicate = Predicate::parse(&types(), query).unwrap();
            assert_eq!(predicate.selects(&nothing), selected, "{query}");
        }
    }

    #[test]
    fn faults_and_names() {
        for query in ["Nope = 1", "Size = 'x'", "Team = 'a' ORDER BY Team", "GROUP BY Team", "Team ="] {
            assert!(Predicate::parse(&types(), query).is_err(), "{query}");
        }
        let predicate = Predicate::parse(&types(), "ScheduleId = 'x'").unwrap();
        assert_eq!(predicate.names(), ["ScheduleId", "WorkflowId"]);
    }
}
