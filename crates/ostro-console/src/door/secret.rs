//! What cannot be guessed: names of sessions, and tokens of forms.

/// Bytes of a random name.
const NAME_BYTES: usize = 32;

/// Makes the tokens of forms. Each start has another.
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// The token of the forms of a browser, which has the cookie `of`.
    pub(super) fn token(&self, of: &str) -> String {
        blake3::keyed_hash(&self.0, of.as_bytes()).to_hex().to_string()
    }

    /// Whether a form's token is that of the browser; takes as long whatever is wrong.
    pub(super) fn is_token(&self, of: &str, given: &str) -> bool {
        // Hashes compare in constant time.
        blake3::hash(self.token(of).as_bytes()) == blake3::hash(given.as_bytes())
    }
}

/// A name that cannot be guessed, in hexadecimal digits.
pub(crate) fn name() -> Result<String, getrandom::Error> {
    let mut bytes = [0; NAME_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_of_its_browser_and_of_this_start() {
        let secret = Secret::new().unwrap();
        let token = secret.token("browser");
        assert!(secret.is_token("browser", &token));
        assert!(!secret.is_token("another", &token));
        assert!(!secret.is_token("browser", ""));
        assert!(!Secret::new().unwrap().is_token("browser", &token));
        assert_ne!(name().unwrap(), name().unwrap());
    }
}
