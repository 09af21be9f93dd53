//! A filter as a tree.

/// A parsed filter.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Query {
    pub filter: Option<Expression>,
    pub group_by: Vec<Name>,
    pub order_by: Vec<Order>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Test(Test),
}

/// A condition on one attribute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Test {
    pub name: Name,
    pub operator: Operator,
    /// Where the operator stands.
    pub position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operator {
    Compare(Comparison, Literal),
    In { negated: bool, list: Vec<Literal> },
    Between { negated: bool, low: Literal, high: Literal },
    StartsWith { negated: bool, prefix: Literal },
    IsNull { negated: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn negate(self) -> Self {
        use Comparison::*;
        match self {
            Equal => NotEqual,
            NotEqual => Equal,
            Less => GreaterOrEqual,
            GreaterOrEqual => Less,
            Greater => LessOrEqual,
            LessOrEqual => Greater,
        }
    }

    pub(crate) fn symbol(self) -> &'static str {
        use Comparison::*;
        match self {
            Equal => "=",
            NotEqual => "!=",
            Less => "<",
            LessOrEqual => "<=",
            Greater => ">",
            GreaterOrEqual => ">=",
        }
    }

    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        use Comparison::*;
        match self {
            Equal => order.is_eq(),
            NotEqual => order.is_ne(),
            Less => order.is_lt(),
            LessOrEqual => order.is_le(),
            Greater => order.is_gt(),
            GreaterOrEqual => order.is_ge(),
        }
    }
}

impl Operator {
    pub(crate) fn negate(self) -> Self {
        match self {
            Operator::Compare(comparison, value) => Operator::Compare(comparison.negate(), value),
            Operator::In { negated, list } => Operator::In { negated: !negated, list },
            Operator::Between { negated, low, high } => Operator::Between { negated: !negated, low, high },
            Operator::StartsWith { negated, prefix } => Operator::StartsWith { negated: !negated, prefix },
            Operator::IsNull { negated } => Operator::IsNull { negated: !negated },
        }
    }

    /// As Temporal names it in errors.
    pub(crate) fn symbol(&self) -> &'static str {
        match self {
            Operator::Compare(comparison, _) => comparison.symbol(),
            Operator::In { negated: false, .. } => "IN",
            Operator::In { negated: true, .. } => "NOT IN",
            Operator::Between { negated: false, .. } => "BETWEEN",
            Operator::Between { negated: true, .. } => "NOT BETWEEN",
            Operator::StartsWith { negated: false, .. } => "STARTS_WITH",
            Operator::StartsWith { negated: true, .. } => "NOT STARTS_WITH",
            Operator::IsNull { negated: false } => "IS NULL",
            Operator::IsNull { negated: true } => "IS NOT NULL",
        }
    }
}

/// The name of an attribute, as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub text: String,
    pub position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Order {
    pub name: Name,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Literal {
    pub value: Constant,
    pub position: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    String(String),
    Int(i64),
    Double(f64),
    Bool(bool),
}
