//! The same as this page shows, for a shell or a program.

use ostro_explain::printable;
use serde_json::Value;

use crate::link;
use crate::run::Place;

/// A command, or a few lines of a program.
pub(crate) struct Command {
    pub name: &'static str,
    pub text: String,
}

/// How a run is looked at from elsewhere. `origin`: where the browser reaches this server, as in `http://127.0.0.1:8233`.
pub(crate) fn commands(place: &Place, origin: &str) -> Vec<Command> {
    let (id, run, namespace) = (&place.id, &place.run, &place.namespace);
    let of = |name, text| Command { name, text };
    vec![
        of(
            "CLI",
            format!(
                "ostro workflow describe --namespace {} --workflow-id {} --run-id {}",
                shell(namespace),
                shell(id),
                shell(run)
            ),
        ),
        of(
            "curl",
            format!(
                "curl -H {} {}",
                shell(&format!("X-Ostro-Namespace: {namespace}")),
                shell(&format!("{origin}/v1/workflows/executions/{}", link::part(id)))
            ),
        ),
        of(
            "Python",
            format!(
                "client = await Client.connect(\"127.0.0.1:7233\", namespace={})\nhandle = client.get_workflow_handle({}, run_id={})\n\
                 print(await handle.describe())",
                literal(namespace),
                literal(id),
                literal(run)
            ),
        ),
        of(
            "Rust",
            format!(
                "let handle = client.get_workflow_handle::<UntypedWorkflow>({}.to_owned());\n\
                 println!(\"{{:?}}\", handle.describe(Default::default()).await?);",
                rust(id)
            ),
        ),
    ]
}

/// A word of a shell: quoted where it must be, and with nothing in it that a terminal obeys.
fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    match word.chars().any(is_hidden) {
        false => format!("'{}'", word.replace('\'', "'\\''")),
        true => format!("$'{}'", word.chars().map(escaped).collect::<String>()),
    }
}

/// Whether a page would do anything but show it.
fn is_hidden(character: char) -> bool {
    let mut text = [0; 4];
    let text: &str = character.encode_utf8(&mut text);
    printable::line(text) != text
}

/// A character within `$'...'`.
fn escaped(character: char) -> String {
    match character {
        '\'' | '\\' => format!("\\{character}"),
        hidden if is_hidden(hidden) => format!("\\U{:08x}", u32::from(hidden)),
        other => other.to_string(),
    }
}

/// A text of Python: JSON's form is one.
fn literal(text: &str) -> String {
    printable::line(&Value::String(text.to_owned()).to_string()).into_owned()
}

/// A text of Rust.
fn rust(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_word_of_a_shell_and_one_text_of_a_program() {
        for (word, written) in [
            ("order-1", "order-1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's; rm -rf /", "'it'\\''s; rm -rf /'"),
            ("$(id)`id`", "'$(id)`id`'"),
            ("a\n'\u{202e}", "$'a\\U0000000a\\'\\U0000202e'"),
        ] {
            assert_eq!(shell(word), written);
        }
        assert_eq!(literal("a\"\n\u{202e}"), "\"a\\\"\\n\\u202e\"");
        assert_eq!(rust("\u{202e}\u{200b}"), "\"\\u{202e}\\u{200b}\"");
        let place = Place { namespace: "default".into(), id: "a/b".into(), run: "r".into() };
        let texts: Vec<String> = commands(&place, "http://127.0.0.1:8233").into_iter().map(|c| c.text).collect();
        assert_eq!(texts[0], "ostro workflow describe --namespace default --workflow-id a/b --run-id r");
        assert_eq!(
            texts[1],
            "curl -H 'X-Ostro-Namespace: default' http://127.0.0.1:8233/v1/workflows/executions/a%2Fb"
        );
    }
}
