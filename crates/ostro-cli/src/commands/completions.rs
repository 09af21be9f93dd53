//! `ostro completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::{Arguments, CompletionShell};
use crate::output;

/// Prints the completion script of a shell.
pub fn print(shell: CompletionShell) {
    output::write(&String::from_utf8_lossy(&script(shell)));
}

fn script(shell: CompletionShell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(known_shell(shell), &mut Arguments::command(), "ostro", &mut script);
    script
}

fn known_shell(shell: CompletionShell) -> Shell {
    match shell {
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_the_groups() {
        for shell in [CompletionShell::Bash, CompletionShell::Zsh, CompletionShell::Fish] {
            let script = String::from_utf8(script(shell)).expect("scripts are UTF-8");
            assert!(script.contains("search-attribute") && script.contains("task-queue"), "{shell:?}");
        }
    }
}
