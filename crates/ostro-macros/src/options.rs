//! `key = value` lists of the attributes, and the values that are checked while compiling.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Meta, Result, Token};

/// One option as written: `key = value`, or `key` alone.
pub struct Written {
    pub key: Ident,
    pub value: Option<Expr>,
}

impl Written {
    /// The value as a string literal.
    pub fn text(&self) -> Result<LitStr> {
        match &self.value {
            Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => Ok(text.clone()),
            _ => Err(Error::new(self.key.span(), format!("`{0}` takes a text: `{0} = \"...\"`", self.key))),
        }
    }

    pub fn expression(&self) -> Result<&Expr> {
        let missing = || Error::new(self.key.span(), format!("`{0}` needs a value: `{0} = ...`", self.key));
        self.value.as_ref().ok_or_else(missing)
    }

    /// `key`, `key = true` or `key = false`.
    pub fn flag(&self) -> TokenStream {
        match &self.value {
            Some(value) => quote!(#value),
            None => quote!(true),
        }
    }

    /// `"10m"` (checked here), or any expression of type `Duration`.
    pub fn duration(&self) -> Result<TokenStream> {
        let value = self.expression()?;
        let Expr::Lit(ExprLit { lit, .. }) = value else { return Ok(quote!(#value)) };
        let Lit::Str(text) = lit else {
            return Err(Error::new(
                lit.span(),
                format!(
                    "`{}` takes a duration with its unit, such as \"30s\", \"10m\" or \"1h 30m\", or an expression of type Duration",
                    self.key
                ),
            ));
        };
        let ms = milliseconds(&text.value()).map_err(|reason| Error::new(text.span(), reason))?;
        Ok(quote!(::core::time::Duration::from_millis(#ms)))
    }
}

pub fn parse(options: TokenStream) -> Result<Vec<Written>> {
    let written = Punctuated::<Meta, Token![,]>::parse_terminated.parse2(options)?;
    written
        .into_iter()
        .map(|meta| match meta {
            Meta::Path(path) => Ok(Written { key: path.require_ident()?.clone(), value: None }),
            Meta::NameValue(pair) => Ok(Written { key: pair.path.require_ident()?.clone(), value: Some(pair.value) }),
            Meta::List(list) => Err(Error::new(list.span(), "write options as `key = value`")),
        })
        .collect()
}

pub fn unknown(option: &Written, of: &str, known: &[&str]) -> Error {
    let key = option.key.to_string();
    let near = known.iter().find(|name| name.contains(&key) || key.contains(*name));
    let hint = near.map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default();
    Error::new(option.key.span(), format!("{of} has no option `{key}`.{hint} It has: {}", known.join(", ")))
}

/// `90s`, `10m`, `1h 30m`, `250ms`, `7d` in milliseconds.
fn milliseconds(text: &str) -> std::result::Result<u64, String> {
    let wrong = || {
        format!(
            "{text:?} is no duration: write numbers with their units, such as \"250ms\", \"30s\", \"10m\", \"1h 30m\" or \"7d\""
        )
    };
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = rest[digits..].trim_start();
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => 1,
            "s" | "sec" | "second" | "seconds" => 1_000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return Err(wrong()),
        };
        rest = rest[letters..].trim_start();
        total = number.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
    }
    Ok(total)
}

/// The name that an option gave, or the one in the code.
pub fn name_or(name: Option<LitStr>, ident: &Ident) -> Result<LitStr> {
    let name = name.unwrap_or_else(|| LitStr::new(&ident.to_string(), Span::call_site()));
    if name.value().trim().is_empty() {
        return Err(Error::new(name.span(), "a name cannot be empty"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn durations_are_read_with_their_units() {
        for (text, expected) in
            [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("1h 30m", 5_400_000), ("7d", 604_800_000)]
        {
            assert_eq!(milliseconds(text), Ok(expected), "{text}");
        }
        for text in ["", "10", "ten minutes", "10 parsecs", "99999999999999999999s"] {
            assert!(milliseconds(text).is_err(), "{text}");
        }
    }
}
