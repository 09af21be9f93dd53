//! Page tokens: a format byte, a hash of the query, and the sort key of the last row.

use ostro_engine::error::Result;
use ostro_engine::persistence::NamespaceId;
use rusqlite::types::Value;

use super::page::bad_token;

const FORMAT: u8 = 1;
const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;

pub(crate) fn encode(namespace: NamespaceId, query: &str, key: &[Value]) -> Vec<u8> {
    let mut token = vec![FORMAT];
    token.extend(hash(namespace, query).to_le_bytes());
    for value in key {
        match value {
            Value::Null | Value::Blob(_) => token.push(NULL),
            Value::Integer(value) => {
                token.push(INTEGER);
                token.extend(value.to_le_bytes());
            }
            Value::Real(value) => {
                token.push(REAL);
                token.extend(value.to_bits().to_le_bytes());
            }
            Value::Text(text) => {
                token.push(TEXT);
                token.extend((text.len() as u64).to_le_bytes());
                token.extend(text.as_bytes());
            }
        }
    }
    token
}

/// The sort key of a token, if it is one of this query with `keys` values.
pub(crate) fn decode(namespace: NamespaceId, query: &str, keys: usize, token: &[u8]) -> Result<Vec<Value>> {
    let decoded = || {
        let mut rest = token.strip_prefix(&[FORMAT])?.strip_prefix(&hash(namespace, query).to_le_bytes())?;
        let key: Vec<Value> = (0..keys).map(|_| value(&mut rest)).collect::<Option<_>>()?;
        rest.is_empty().then_some(key)
    };
    decoded().ok_or_else(bad_token)
}

fn value(rest: &mut &[u8]) -> Option<Value> {
    let (tag, tail) = rest.split_first()?;
    *rest = tail;
    Some(match *tag {
        NULL => Value::Null,
        INTEGER => Value::Integer(number(rest)? as i64),
        REAL => Value::Real(f64::from_bits(number(rest)?)),
        TEXT => {
            let length = usize::try_from(number(rest)?).ok()?;
            let (text, tail) = rest.split_at_checked(length)?;
            *rest = tail;
            Value::Text(String::from_utf8(text.to_vec()).ok()?)
        }
        _ => return None,
    })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(u64::from_le_bytes(*bytes))
}

/// FNV-1a: the same in every release, as a client may hold a token over an upgrade.
fn hash(namespace: NamespaceId, query: &str) -> u64 {
    let bytes = namespace.to_le_bytes().into_iter().chain(query.trim().bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_gives_back_its_key_for_its_query_only() {
        let key = [Value::Null, Value::Integer(-7), Value::Real(0.1), Value::Text("é".into())];
        let token = encode(1, "a = 1", &key);
        assert_eq!(decode(1, " a = 1", 4, &token).unwrap(), key);
        for (namespace, query, keys, token) in [
            (2, "a = 1", 4, &token[..]),
            (1, "a = 2", 4, &token),
            (1, "a = 1", 3, &token),
            (1, "a = 1", 5, &token),
            (1, "a = 1", 4, &token[..token.len() - 1]),
            (1, "a = 1", 4, b"foo"),
        ] {
            assert!(decode(namespace, query, keys, token).is_err());
        }
    }
}
