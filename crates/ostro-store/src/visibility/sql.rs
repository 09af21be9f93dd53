//! A tree as SQL with bound parameters.

use ostro_engine::error::Result;
use rusqlite::types::Value;

use super::ast::{Expression, Query, Test};
use super::attribute::{Attribute, Source, resolve};
use super::{SearchAttributeTypes, condition, parser};

/// A piece of SQL and the values of its `?`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sql {
    pub text: String,
    pub values: Vec<Value>,
}

impl Sql {
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(crate) fn bind(&mut self, value: Value) -> &mut Self {
        self.values.push(value);
        self.push("?")
    }

    pub(crate) fn bind_list(&mut self, values: Vec<Value>) -> &mut Self {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    pub(crate) fn append(&mut self, other: Sql) -> &mut Self {
        self.values.extend(other.values);
        self.push(&other.text)
    }
}

/// A filter ready to run.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// The condition on rows of `exec`, without the namespace.
    pub condition: Sql,
    pub group_by: Vec<Attribute>,
    pub order_by: Vec<(Attribute, Descending)>,
    /// The filter selects runs only that have ended.
    pub closed_only: bool,
}

pub(crate) type Descending = bool;

/// Reads a filter and resolves its names.
pub(crate) fn compile(types: &SearchAttributeTypes, query: &str) -> Result<Compiled> {
    let Query { filter, group_by, order_by } = parser::parse(query)?;
    let mut compiler = Compiler { types, sql: Sql::default(), names_division: false };
    compiler.sql.push("(");
    let closed_only = filter.as_ref().is_some_and(|filter| compiler.is_closed(filter));
    match filter {
        Some(filter) => compiler.expression(filter, false)?,
        None => drop(compiler.sql.push("TRUE")),
    }
    compiler.sql.push(")");
    let group_by = group_by.iter().map(|name| compiler.attribute(name)).collect::<Result<_>>()?;
    let order = |order: &super::ast::Order| Ok((compiler.attribute(&order.name)?, order.descending));
    let order_by = order_by.iter().map(order).collect::<Result<_>>()?;
    if !compiler.names_division {
        compiler.sql.push(" AND division IS NULL");
    }
    Ok(Compiled { condition: compiler.sql, group_by, order_by, closed_only })
}

struct Compiler<'a> {
    types: &'a SearchAttributeTypes,
    sql: Sql,
    names_division: bool,
}

impl Compiler<'_> {
    /// Negation moves inwards, to the operators: there "less" becomes "not less", and a value that is not set satisfies
    /// neither, as SQL has it.
    fn expression(&mut self, expression: Expression, negated: bool) -> Result<()> {
        match expression {
            Expression::Not(inner) => self.expression(*inner, !negated),
            Expression::And(terms) => self.join(terms, if negated { " OR " } else { " AND " }, negated),
            Expression::Or(terms) => self.join(terms, if negated { " AND " } else { " OR " }, negated),
            Expression::Test(test) => self.test(test, negated),
        }
    }

    /// Halves long chains, as SQLite limits the depth of a tree.
    fn join(&mut self, mut terms: Vec<Expression>, operator: &str, negated: bool) -> Result<()> {
        if terms.len() == 1 {
            return terms.into_iter().try_for_each(|term| self.expression(term, negated));
        }
        let right = terms.split_off(terms.len() / 2);
        self.sql.push("(");
        self.join(terms, operator, negated)?;
        self.sql.push(operator);
        self.join(right, operator, negated)?;
        self.sql.push(")");
        Ok(())
    }

    /// Whether one of the conditions that must hold says that the run has ended.
    fn is_closed(&self, expression: &Expression) -> bool {
        match expression {
            Expression::And(terms) => terms.iter().any(|term| self.is_closed(term)),
            Expression::Test(test) => {
                resolve(self.types, &test.name).is_ok_and(|attribute| condition::is_closed(&attribute, &test.operator))
            }
            Expression::Or(_) | Expression::Not(_) => false,
        }
    }

    fn test(&mut self, test: Test, negated: bool) -> Result<()> {
        let attribute = self.attribute(&test.name)?;
        let operator = if negated { test.operator.negate() } else { test.operator };
        condition::write(&mut self.sql, &attribute, &operator, test.position)
    }

    fn attribute(&mut self, name: &super::ast::Name) -> Result<Attribute> {
        let attribute = resolve(self.types, name)?;
        self.names_division |= attribute.source == Source::Division;
        Ok(attribute)
    }
}
