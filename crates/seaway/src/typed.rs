//! What people are told to type: where the project was named, the command names it too, so that it works where it is pasted.

use std::sync::OnceLock;

/// Commands that are about one project.
const IN_A_PROJECT: [&str; 12] =
    ["abort", "approve", "delete", "describe", "get", "logs", "plan", "promote", "refresh", "resolve", "resume", "why"];
/// What `get` shows of no project.
const OF_NO_PROJECT: [&str; 2] = ["projects", "clusterconfigs"];

static PROJECT: OnceLock<String> = OnceLock::new();

/// The project that was named on the command line: without it, what is pasted may be about another one.
pub(crate) fn named(project: &str) {
    let _ = PROJECT.set(project.to_owned());
}

/// A text with commands in it, each with the project that was named.
pub(crate) fn typed(text: &str) -> String {
    PROJECT.get().map_or_else(|| text.to_owned(), |project| within(project, text))
}

fn within(project: &str, text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    // What is no name is not quoted into a command.
    if project.is_empty() || !project.bytes().all(plain) {
        return text.to_owned();
    }
    let mut parts = text.split("seaway ");
    let mut told = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        told.push_str("seaway ");
        // A command ends where its quotes or its clause do.
        let command = rest.split(['`', ';']).next().unwrap_or_default();
        let mut words = command.split_whitespace();
        let (verb, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let wants = IN_A_PROJECT.contains(&verb) && !OF_NO_PROJECT.contains(&what) && !command.contains(" -p ");
        match rest.strip_prefix(verb).filter(|_| wants) {
            Some(after) => told.push_str(&format!("{verb} -p {project}{after}")),
            None => told.push_str(rest),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_about_a_project_names_it() {
        let check = |text: &str, told: &str| assert_eq!(within("shop", text), told);
        check("`seaway get stages` lists them all", "`seaway get -p shop stages` lists them all");
        check("seaway logs promotion-1", "seaway logs -p shop promotion-1");
        check("`seaway why` tells how it stands", "`seaway why -p shop` tells how it stands");
        check("seaway abort a; `seaway why b`", "seaway abort -p shop a; `seaway why -p shop b`");
        check("seaway abort -p bank a", "seaway abort -p bank a");
        check("`seaway get projects` asks it", "`seaway get projects` asks it");
        check("`seaway serve` starts one", "`seaway serve` starts one");
        check("correct what it names", "correct what it names");
        assert_eq!(within("a b", "seaway why"), "seaway why");
    }
}
