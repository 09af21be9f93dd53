//! A filter as tokens.

use ostro_engine::error::Result;

use super::errors::{invalid, syntax};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword, as written.
    Word(String),
    /// A name in backticks: never a keyword.
    Quoted(String),
    String(String),
    Int(i64),
    Double(f64),
    /// One of `= != < <= > >= ( ) , + - ; ! && || ...`.
    Symbol(&'static str),
    End,
}

/// A token and the position of its first character, from 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spot {
    pub token: Token,
    pub position: usize,
    /// As written, for error messages.
    pub text: String,
}

/// Longer ones first, as the first that fits is taken.
const SYMBOLS: [&str; 20] =
    ["<=>", "!=", "<>", "<=", ">=", "&&", "||", "=", "<", ">", "(", ")", ",", "+", "-", ";", "!", "*", "/", "%"];

/// Splits a filter. The last token is `End`.
pub(crate) fn lex(query: &str) -> Result<Vec<Spot>> {
    let mut lexer = Lexer { chars: query.chars().collect(), at: 0 };
    let mut spots = Vec::new();
    loop {
        lexer.skip_space()?;
        let start = lexer.at;
        let token = lexer.token()?;
        let text = lexer.chars[start..lexer.at].iter().collect();
        spots.push(Spot { token, position: start + 1, text });
        if let Some(Spot { token: Token::End, .. }) = spots.last() {
            return Ok(spots);
        }
    }
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    fn token(&mut self) -> Result<Token> {
        let Some(c) = self.peek(0) else { return Ok(Token::End) };
        match c {
            '\'' | '"' => self.string(c),
            '`' => self.quoted(),
            c if c.is_ascii_digit() || (c == '.' && self.peek(1).is_some_and(|d| d.is_ascii_digit())) => self.number(),
            c if starts_word(c) => Ok(Token::Word(self.take_while(continues_word))),
            _ => self.symbol(),
        }
    }

    fn symbol(&mut self) -> Result<Token> {
        let symbol =
            SYMBOLS.into_iter().find(|symbol| symbol.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c)));
        let Some(symbol) = symbol else {
            let near: String = self.chars[self.at..].iter().take(1).collect();
            return Err(syntax(self.at + 1, &near, "this character has no meaning here; put values in quotes"));
        };
        self.at += symbol.len();
        Ok(Token::Symbol(symbol))
    }

    /// A quote within is doubled or follows a backslash.
    fn string(&mut self, quote: char) -> Result<Token> {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        while let Some(c) = self.next() {
            match c {
                '\\' => value.extend(self.next().map(unescape)),
                c if c == quote && self.peek(0) == Some(quote) => value.extend(self.next()),
                c if c == quote => return Ok(Token::String(value)),
                c => value.push(c),
            }
        }
        let near: String = self.chars[start..].iter().take(20).collect();
        Err(syntax(start + 1, &near, &format!("the string has no closing {quote}")))
    }

    fn quoted(&mut self) -> Result<Token> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(|c| c != '`');
        if self.next().is_none() || name.is_empty() {
            return Err(syntax(start + 1, "`", "a name in backticks must have a closing backtick and not be empty"));
        }
        Ok(Token::Quoted(name))
    }

    fn number(&mut self) -> Result<Token> {
        let start = self.at;
        let sign_of_exponent = |before: char, c: char| matches!(before, 'e' | 'E') && matches!(c, '+' | '-');
        let mut before = ' ';
        while let Some(c) = self.peek(0).filter(|&c| continues_word(c) || sign_of_exponent(before, c)) {
            before = c;
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        if let Ok(int) = text.parse() {
            return Ok(Token::Int(int));
        }
        match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Token::Double(double)),
            _ => Err(invalid(start + 1, &format!("unable to parse value \"{text}\""))),
        }
    }

    /// White space and comments: `-- ...`, `# ...` and `// ...` to the end of the line, `/* ... */` to the first `*/`.
    fn skip_space(&mut self) -> Result<()> {
        loop {
            self.take_while(char::is_whitespace);
            match (self.peek(0), self.peek(1)) {
                (Some('#'), _) | (Some('-'), Some('-')) | (Some('/'), Some('/')) => {
                    drop(self.take_while(|c| c != '\n'))
                }
                (Some('/'), Some('*')) => self.skip_block()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_block(&mut self) -> Result<()> {
        let start = self.at;
        self.at += 2;
        while let Some(c) = self.next() {
            if c == '*' && self.peek(0) == Some('/') {
                self.at += 1;
                return Ok(());
            }
        }
        Err(syntax(start + 1, "/*", "the comment has no closing */"))
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek(0).filter(|&c| belongs(c)) {
            taken.push(c);
            self.at += 1;
        }
        taken
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '@' | '.')
}

/// MySQL's escapes; any other character stands for itself.
fn unescape(c: char) -> char {
    match c {
        '0' => '\0',
        'b' => '\x08',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'Z' => '\x1a',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(query: &str) -> Vec<Token> {
        lex(query).unwrap().into_iter().map(|spot| spot.token).collect()
    }

    #[test]
    fn splits_words_numbers_and_symbols() {
        use Token::*;
        assert_eq!(
            tokens("a.b>=-1.5e3 `x y`<>.5"),
            [
                Word("a.b".into()),
                Symbol(">="),
                Symbol("-"),
                Double(1500.0),
                Quoted("x y".into()),
                Symbol("<>"),
                Double(0.5),
                End
            ]
        );
        assert_eq!(tokens("99999999999999999999"), [Double(1e20), End]);
    }

    #[test]
    fn comments_are_passed_over() {
        let plain = tokens("a = 'b'");
        for query in [
            "a = 'b' -- c",
            "a = 'b'--'",
            "-- c\na = 'b'",
            "a # c\n = 'b'",
            "a = 'b' // c",
            "/* c */a/**/=/* '\n */'b'/*! d */",
        ] {
            assert_eq!(tokens(query), plain, "{query}");
        }
        assert_eq!(tokens("'-- # /* */'"), [Token::String("-- # /* */".into()), Token::End]);
        assert_eq!(tokens("- -1"), [Token::Symbol("-"), Token::Symbol("-"), Token::Int(1), Token::End]);
    }

    #[test]
    fn unquotes_strings() {
        for (query, value) in [
            ("'a'", "a"),
            ("\"a'b\"", "a'b"),
            ("'it''s'", "it's"),
            (r"'it\'s'", "it's"),
            (r"'a\nb\%'", "a\nb%"),
            (r#""say ""x""""#, "say \"x\""),
            ("'é'", "é"),
        ] {
            assert_eq!(tokens(query), [Token::String(value.into()), Token::End], "{query}");
        }
    }

    #[test]
    fn names_the_position_of_what_it_cannot_read() {
        for (query, position) in
            [("a = 'x", 5), ("é = $", 5), ("`a", 1), ("a = 0x1", 5), ("``", 1), ("a /* b", 3), ("a /* /* */ $", 12)]
        {
            let error = lex(query).unwrap_err();
            assert!(error.message.contains(&format!("position {position}")), "{query}: {error}");
        }
    }
}
