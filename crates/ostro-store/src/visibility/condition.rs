//! One condition as SQL.
//!
//! Negation never reaches here (`sql` pushes it into the operators), so NULL may stand for "no" everywhere.

use ostro_engine::error::Result;
use rusqlite::types::Value;
use temporalio_protos::temporal::api::enums::v1::IndexedValueType;

use super::ast::{Comparison, Constant, Literal, Operator};
use super::attribute::{Attribute, Source};
use super::errors::{invalid, unsupported};
use super::sql::Sql;
use super::{status, value};

/// Writes the condition `attribute operator`; `position` is that of the operator.
pub(crate) fn write(sql: &mut Sql, attribute: &Attribute, operator: &Operator, position: usize) -> Result<()> {
    match operator {
        Operator::IsNull { negated } => is_null(sql, attribute, *negated),
        Operator::Compare(comparison, literal) => {
            let value = value::bound(attribute, literal)?;
            compare(sql, attribute, *comparison, value, literal, position)?;
        }
        Operator::In { negated, list } => {
            let values: Vec<Value> =
                list.iter().map(|literal| value::bound(attribute, literal)).collect::<Result<_>>()?;
            allow(attribute, operator, position, attribute.kind != IndexedValueType::Text)?;
            is_in(sql, attribute, *negated, values);
        }
        Operator::Between { negated, low, high } => between(sql, attribute, *negated, low, high)?,
        Operator::StartsWith { negated, prefix } => starts_with(sql, attribute, operator, *negated, prefix, position)?,
    }
    Ok(())
}

fn allow(attribute: &Attribute, operator: &Operator, position: usize, allowed: bool) -> Result<()> {
    if allowed {
        return Ok(());
    }
    let (symbol, kind, alias) = (operator.symbol(), attribute.kind_name(), &attribute.alias);
    Err(unsupported(position, &format!("operator '{symbol}' not supported for {kind} type search attribute '{alias}'")))
}

fn is_null(sql: &mut Sql, attribute: &Attribute, negated: bool) {
    match (&attribute.source, negated) {
        (Source::CloseTime, false) => sql.push("close_order = 9223372036854775807"),
        (Source::CloseTime, true) => sql.push("close_order < 9223372036854775807"),
        (_, false) => sql.push(&format!("{} IS NULL", attribute.expression)),
        (_, true) => sql.push(&format!("{} IS NOT NULL", attribute.expression)),
    };
}

fn compare(
    sql: &mut Sql,
    attribute: &Attribute,
    comparison: Comparison,
    value: Value,
    literal: &Literal,
    position: usize,
) -> Result<()> {
    use Comparison::{Equal, NotEqual};
    let equality = matches!(comparison, Equal | NotEqual);
    let ordered = !matches!(attribute.kind, IndexedValueType::Text | IndexedValueType::KeywordList);
    allow(attribute, &Operator::Compare(comparison, literal.clone()), position, equality || ordered)?;
    match (attribute.kind, &attribute.source) {
        (IndexedValueType::KeywordList, _) => in_list(sql, attribute, comparison == NotEqual, vec![value]),
        (IndexedValueType::Text, _) => {
            sql.push(if comparison == NotEqual { "NOT text_matches(" } else { "text_matches(" });
            sql.push(&attribute.expression);
            sql.push(", ").bind(value).push(")");
        }
        (_, Source::Status) => statuses(sql, comparison, &value),
        (_, Source::CloseTime) if !equality || comparison == Equal => close_time(sql, comparison, value),
        _ => {
            sql.push(&format!("{} {} ", attribute.expression, comparison.symbol())).bind(value);
        }
    }
    Ok(())
}

/// By name, as the reference server compares them: the statuses for which the comparison holds.
fn statuses(sql: &mut Sql, comparison: Comparison, value: &Value) {
    let Value::Integer(number) = value else { unreachable!("a status is bound as a number") };
    let compared = i32::try_from(*number).ok().and_then(status::name).unwrap_or_default();
    let holds = status::all().filter(|(_, name)| comparison.holds(name.as_str().cmp(&compared)));
    let numbers: Vec<i32> = holds.map(|(number, _)| number).collect();
    match numbers.as_slice() {
        [number] => sql.push(&format!("(status = {number} AND {})", of_status(*number))),
        numbers => {
            let numbers: Vec<String> = numbers.iter().map(i32::to_string).collect();
            sql.push(&format!("status IN ({})", numbers.join(", ")))
        }
    };
}

/// What the status says of the end: by it an index on another column leads past the runs of other statuses. The planner is
/// told that it selects many, so that it goes by an id where there is one.
fn of_status(number: i32) -> &'static str {
    match status::is_open(number) {
        true => "likelihood(close_order = 9223372036854775807, 0.5)",
        false => "likelihood(close_order < 9223372036854775807, 0.9)",
    }
}

/// Whether the condition selects runs only that have ended.
pub(crate) fn is_closed(attribute: &Attribute, operator: &Operator) -> bool {
    let Operator::Compare(Comparison::Equal, literal) = operator else { return false };
    let number = match value::bound(attribute, literal) {
        Ok(Value::Integer(number)) if attribute.source == Source::Status => number,
        _ => return false,
    };
    i32::try_from(number).is_ok_and(|number| status::name(number).is_some() && !status::is_open(number))
}

/// On the column that has the index; open runs have the greatest number there, and are never selected.
fn close_time(sql: &mut Sql, comparison: Comparison, value: Value) {
    sql.push(&format!("(close_order {} ", comparison.symbol()));
    sql.bind(value).push(" AND close_order < 9223372036854775807)");
}

fn is_in(sql: &mut Sql, attribute: &Attribute, negated: bool, values: Vec<Value>) {
    if attribute.kind == IndexedValueType::KeywordList {
        return in_list(sql, attribute, negated, values);
    }
    let closing = attribute.source == Source::CloseTime && !negated;
    sql.push(if closing { "close_order" } else { &attribute.expression });
    sql.push(if negated { " NOT IN " } else { " IN " }).bind_list(values);
}

/// Runs without the list count as not having the value.
fn in_list(sql: &mut Sql, attribute: &Attribute, negated: bool, values: Vec<Value>) {
    sql.push(if negated { "NOT EXISTS" } else { "EXISTS" });
    sql.push(&format!(" (SELECT 1 FROM {} WHERE json_each.value IN ", attribute.list_table()));
    sql.bind_list(values).push(")");
}

fn between(sql: &mut Sql, attribute: &Attribute, negated: bool, low: &Literal, high: &Literal) -> Result<()> {
    use IndexedValueType::{Datetime, Double, Int, Keyword};
    if !matches!(attribute.kind, Datetime | Double | Int | Keyword) {
        let (alias, kind) = (&attribute.alias, attribute.kind_name());
        let what = format!("cannot do range condition on search attribute '{alias}' of type {kind}");
        return Err(invalid(attribute.position, &what));
    }
    let (low, high) = (value::bound(attribute, low)?, value::bound(attribute, high)?);
    match (&attribute.source, negated) {
        (Source::Status, false) => {
            sql.push("(");
            statuses(sql, Comparison::GreaterOrEqual, &low);
            sql.push(" AND ");
            statuses(sql, Comparison::LessOrEqual, &high);
        }
        (Source::Status, true) => {
            sql.push("(");
            statuses(sql, Comparison::Less, &low);
            sql.push(" OR ");
            statuses(sql, Comparison::Greater, &high);
        }
        _ => {
            let closing = attribute.source == Source::CloseTime && !negated;
            sql.push("(").push(if closing { "close_order" } else { &attribute.expression });
            sql.push(if negated { " NOT BETWEEN " } else { " BETWEEN " }).bind(low).push(" AND ").bind(high);
        }
    }
    sql.push(")");
    Ok(())
}

/// As a range, so that an index serves it.
fn starts_with(
    sql: &mut Sql,
    attribute: &Attribute,
    operator: &Operator,
    negated: bool,
    prefix: &Literal,
    position: usize,
) -> Result<()> {
    value::bound(attribute, prefix)?;
    allow(attribute, operator, position, attribute.kind == IndexedValueType::Keyword)?;
    let Constant::String(text) = &prefix.value else {
        return Err(unsupported(prefix.position, "right-hand side of STARTS_WITH must be a string"));
    };
    if attribute.source == Source::Status {
        let starts = |(number, name): (i32, String)| (name.starts_with(text.as_str()) != negated).then_some(number);
        let numbers: Vec<String> = status::all().filter_map(starts).map(|number| number.to_string()).collect();
        sql.push(&format!("status IN ({})", numbers.join(", ")));
        return Ok(());
    }
    let (expression, end) = (&attribute.expression, after_prefix(text));
    sql.push(&format!("({expression} {} ", if negated { "<" } else { ">=" })).bind(Value::Text(text.clone()));
    if let Some(end) = end {
        sql.push(&format!(
            " {} {expression} {} ",
            if negated { "OR" } else { "AND" },
            if negated { ">=" } else { "<" }
        ));
        sql.bind(Value::Text(end));
    }
    sql.push(")");
    Ok(())
}

/// The least string that is greater than all strings with the prefix.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // A range of characters steps over the code points that are none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn the_end_of_a_prefix_range() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("ab", Some("ac")),
            ("a\u{10ffff}", Some("b")),
            ("\u{d7ff}", Some("\u{e000}")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
