//! Tokens to a tree.
//!
//! ```text
//! query  = [or] { GROUP BY names | ORDER BY names } [;]
//! or     = and { OR and }          and = not { AND not }          not = NOT not | "(" or ")" | test
//! test   = name ( = | != | < ... ) value | name [NOT] ( IN (values) | BETWEEN value AND value | STARTS_WITH value )
//!        | name IS [NOT] NULL
//! ```

use ostro_engine::error::{Error, Result};

use super::ast::{Comparison, Constant, Expression, Literal, Name, Operator, Order, Query, Test};
use super::errors::{invalid, syntax, too_large, unsupported};
use super::lexer::{Spot, Token, lex};

/// A filter is not a place for data: these leave room for anything that a person or an SDK writes.
const QUERY_BYTES_MAX: usize = 256 * 1024;
const DEPTH_MAX: usize = 100;
const TESTS_MAX: usize = 1_000;
const VALUES_MAX: usize = 10_000;

const RESERVED: [&str; 19] = [
    "and",
    "or",
    "not",
    "in",
    "between",
    "is",
    "null",
    "true",
    "false",
    "order",
    "group",
    "by",
    "limit",
    "like",
    "starts_with",
    "asc",
    "desc",
    "where",
    "select",
];

/// Reads a filter.
pub(crate) fn parse(query: &str) -> Result<Query> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(too_large(&format!("it has {} bytes, the limit is {QUERY_BYTES_MAX}", query.len())));
    }
    let is_written = !query.trim().is_empty();
    let mut parser = Parser { spots: lex(query)?, at: 0, depth: 0, tests: 0, values: 0, is_written };
    parser.query()
}

struct Parser {
    spots: Vec<Spot>,
    at: usize,
    depth: usize,
    tests: usize,
    values: usize,
    /// Whether there is more than white space.
    is_written: bool,
}

impl Parser {
    fn query(&mut self) -> Result<Query> {
        let mut query = Query::default();
        if self.ends() && self.is_written {
            return Err(self.unexpected("expected a condition: there is none but a comment"));
        }
        if !self.ends() && !self.is_word("group") && !self.is_word("order") && !self.is_word("limit") {
            query.filter = Some(self.or()?);
        }
        if self.eat_word("group") {
            self.expect_word("by", "expected BY after GROUP")?;
            query.group_by = self.names(|parser| parser.name())?;
        }
        if self.eat_word("order") {
            self.expect_word("by", "expected BY after ORDER")?;
            query.order_by = self.names(Parser::order)?;
        }
        if self.is_word("limit") {
            return Err(unsupported(self.spot().position, "'LIMIT' clause: use the page size of the request"));
        }
        self.eat_symbol(";");
        if self.spot().token != Token::End {
            return Err(self.unexpected("expected AND, OR, GROUP BY, ORDER BY or the end of the query"));
        }
        Ok(query)
    }

    fn ends(&self) -> bool {
        matches!(self.spot().token, Token::End)
    }

    fn or(&mut self) -> Result<Expression> {
        let mut terms = vec![self.and()?];
        while self.eat_word("or") || self.eat_symbol("||") {
            terms.push(self.and()?);
        }
        Ok(joined(terms, Expression::Or))
    }

    fn and(&mut self) -> Result<Expression> {
        let mut terms = vec![self.not()?];
        while self.eat_word("and") || self.eat_symbol("&&") {
            terms.push(self.not()?);
        }
        Ok(joined(terms, Expression::And))
    }

    fn not(&mut self) -> Result<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(too_large(&format!("more than {DEPTH_MAX} levels of parentheses and NOT")));
        }
        let expression = if self.eat_word("not") {
            Expression::Not(Box::new(self.not()?))
        } else if self.eat_symbol("(") {
            let inner = self.or()?;
            self.expect_symbol(")", "expected AND, OR or a closing parenthesis")?;
            inner
        } else if self.is_symbol("!") {
            return Err(unsupported(self.spot().position, "operator '!': write NOT"));
        } else {
            Expression::Test(self.test()?)
        };
        self.depth -= 1;
        Ok(expression)
    }

    fn test(&mut self) -> Result<Test> {
        self.tests += 1;
        if self.tests > TESTS_MAX {
            return Err(too_large(&format!("more than {TESTS_MAX} conditions (IN takes many values in one)")));
        }
        if matches!(self.spot().token, Token::String(_) | Token::Int(_) | Token::Double(_)) {
            let what = format!("must be a column name but was {}: the attribute stands on the left", self.spot().text);
            return Err(invalid(self.spot().position, &what));
        }
        let name = self.name()?;
        let position = self.spot().position;
        Ok(Test { operator: self.operator(&name)?, name, position })
    }

    fn operator(&mut self, name: &Name) -> Result<Operator> {
        let negated = self.eat_word("not");
        if self.eat_word("in") {
            return Ok(Operator::In { negated, list: self.list()? });
        }
        if self.eat_word("between") {
            let low = self.literal()?;
            self.expect_word("and", "expected AND between the bounds of BETWEEN")?;
            return Ok(Operator::Between { negated, low, high: self.literal()? });
        }
        if self.eat_word("starts_with") {
            return Ok(Operator::StartsWith { negated, prefix: self.literal()? });
        }
        if self.is_word("like") {
            let what = format!("operator 'LIKE' on search attribute '{}': use STARTS_WITH or =", name.text);
            return Err(unsupported(self.spot().position, &what));
        }
        if negated {
            return Err(self.unexpected("expected IN, BETWEEN or STARTS_WITH after NOT"));
        }
        if self.eat_word("is") {
            return self.is_null();
        }
        let comparison = self.comparison(name)?;
        Ok(Operator::Compare(comparison, self.literal()?))
    }

    fn is_null(&mut self) -> Result<Operator> {
        let negated = self.eat_word("not");
        let position = self.spot().position;
        if self.eat_word("null") {
            return Ok(Operator::IsNull { negated });
        }
        Err(invalid(position, "'IS' operator can only be used as 'IS NULL' or 'IS NOT NULL'"))
    }

    fn comparison(&mut self, name: &Name) -> Result<Comparison> {
        let comparison = match self.spot().token {
            Token::Symbol("=") => Comparison::Equal,
            Token::Symbol("!=" | "<>") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::LessOrEqual,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::GreaterOrEqual,
            Token::Symbol("<=>") => {
                return Err(unsupported(self.spot().position, "operator '<=>': use = or IS NULL"));
            }
            Token::Symbol("(") => {
                return Err(unsupported(name.position, &format!("function expression '{}'", name.text)));
            }
            Token::End => return Err(invalid(name.position, &format!("incomplete expression '{}'", name.text))),
            _ => return Err(self.unexpected("expected an operator such as =, !=, <, IN, BETWEEN, STARTS_WITH or IS")),
        };
        self.at += 1;
        Ok(comparison)
    }

    fn list(&mut self) -> Result<Vec<Literal>> {
        self.expect_symbol("(", "expected a list in parentheses after IN")?;
        let mut list = vec![self.literal()?];
        while self.eat_symbol(",") {
            list.push(self.literal()?);
        }
        self.expect_symbol(")", "expected a comma or a closing parenthesis")?;
        Ok(list)
    }

    fn literal(&mut self) -> Result<Literal> {
        self.values += 1;
        if self.values > VALUES_MAX {
            return Err(too_large(&format!("more than {VALUES_MAX} values")));
        }
        let position = self.spot().position;
        let negative = self.is_symbol("-");
        let signed = negative || self.is_symbol("+");
        self.at += usize::from(signed);
        let spot = self.spot().clone();
        let value = match spot.token {
            Token::Int(value) if negative => Constant::Int(-value),
            Token::Int(value) => Constant::Int(value),
            Token::Double(value) if negative => Constant::Double(-value),
            Token::Double(value) => Constant::Double(value),
            Token::String(value) if !signed => Constant::String(value),
            Token::Word(word) if !signed => word_value(&word, position)?,
            Token::Quoted(word) if !signed => return Err(unquoted(&word, position)),
            Token::Symbol("(") => return Err(invalid(position, "a value cannot be in parentheses here")),
            _ => return Err(self.unexpected("expected a value: a string in quotes, a number, true or false")),
        };
        self.at += 1;
        Ok(Literal { value, position })
    }

    fn order(&mut self) -> Result<Order> {
        let name = self.name()?;
        let descending = self.eat_word("desc");
        if !descending {
            self.eat_word("asc");
        }
        Ok(Order { name, descending })
    }

    fn names<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let mut names = vec![read(self)?];
        while self.eat_symbol(",") {
            names.push(read(self)?);
        }
        Ok(names)
    }

    fn name(&mut self) -> Result<Name> {
        let spot = self.spot();
        let text = match &spot.token {
            Token::Quoted(text) => text.clone(),
            Token::Word(text) if !RESERVED.contains(&text.to_ascii_lowercase().as_str()) => text.clone(),
            _ => return Err(self.unexpected("expected the name of a search attribute")),
        };
        let position = spot.position;
        self.at += 1;
        Ok(Name { text, position })
    }

    /// The last token is `End` and is never passed.
    fn spot(&self) -> &Spot {
        &self.spots[self.at.min(self.spots.len() - 1)]
    }

    fn unexpected(&self, expected: &str) -> Error {
        syntax(self.spot().position, &self.spot().text, expected)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.spot().token, Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_word(&mut self, word: &str, expected: &str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.spot().token, Token::Symbol(found) if found == symbol)
    }

    fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect_symbol(&mut self, symbol: &str, expected: &str) -> Result<()> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected(expected)) }
    }
}

fn joined(mut terms: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Expression {
    if terms.len() == 1 { terms.remove(0) } else { join(terms) }
}

fn word_value(word: &str, position: usize) -> Result<Constant> {
    match word.to_ascii_lowercase().as_str() {
        "true" => Ok(Constant::Bool(true)),
        "false" => Ok(Constant::Bool(false)),
        "null" => Err(invalid(position, "NULL is no value: use IS NULL or IS NOT NULL")),
        _ => Err(unquoted(word, position)),
    }
}

fn unquoted(word: &str, position: usize) -> Error {
    let what = format!("column name on the right side of comparison expression (did you forget to quote \"{word}\"?)");
    unsupported(position, &what)
}
