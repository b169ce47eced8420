//! What people are told to type: where the control plane or the project was named, the command names it too, so that it works where it is pasted.

use crate::cli::Global;
use std::sync::OnceLock;

/// Commands that are about one project.
const IN_A_PROJECT: [&str; 12] =
    ["abort", "approve", "delete", "describe", "get", "logs", "plan", "promote", "refresh", "resolve", "resume", "why"];
/// What `get` shows of no project.
const OF_NO_PROJECT: [&str; 2] = ["projects", "clusterconfigs"];
/// Commands that ask a control plane, beside those that are about one project.
const ASK: [&str; 8] = ["apply", "backup", "open", "token", "trust", "user", "watch", "whoami"];
/// Commands that have a data folder, and ask nobody.
const HAVE_A_FOLDER: [&str; 3] = ["config", "demo", "serve"];

static NAMED: OnceLock<Named> = OnceLock::new();

/// What was named on the command line: without it, what is pasted may ask another control plane, or about another project.
#[derive(Debug, Clone, Default)]
struct Named {
    /// The project; empty if none was named.
    project: String,
    /// The flag that names the data folder, with a space before it; empty if it was not named here.
    data: String,
    /// All the flags that name the control plane, each with a space before it.
    target: String,
}

/// Keeps what was named on the command line.
pub(crate) fn named(global: &Global) {
    let _ = NAMED.set(Named::of(global));
}

/// A text with commands in it, each with what was named.
pub(crate) fn typed(text: &str) -> String {
    NAMED.get().map_or_else(|| text.to_owned(), |named| named.within(text))
}

/// The same about a project that was not named, as where all were asked for.
pub(crate) fn typed_of(project: &str, text: &str) -> String {
    let named = NAMED.get().cloned().unwrap_or_default();
    Named { project: project.to_owned(), ..named }.within(text)
}

/// A word as it is typed in a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

impl Named {
    fn of(global: &Global) -> Self {
        let flag = |name: &str, value: Option<String>| value.map_or_else(String::new, |it| format!(" {name} {}", quoted(&it)));
        let data = flag("--data", global.data.as_ref().map(|path| path.display().to_string()));
        let kubeconfig = flag("--kubeconfig", global.kubeconfig.as_ref().map(|path| path.display().to_string()));
        // A kubeconfig goes before a folder.
        let which = if kubeconfig.is_empty() { &data } else { &kubeconfig };
        let target = format!("{which}{}", flag("--context", global.context.clone()));
        Self { project: global.project.clone().unwrap_or_default(), target, data }
    }

    fn within(&self, text: &str) -> String {
        let mut parts = text.split("seaway ");
        let mut told = parts.next().unwrap_or_default().to_owned();
        for rest in parts {
            // A command ends where its quotes or its clause do.
            let command = rest.split(['`', ';']).next().unwrap_or_default();
            let verb = command.split_whitespace().next().unwrap_or_default();
            let after = rest.strip_prefix(verb).unwrap_or_default();
            told.push_str(&format!("seaway {verb}{}{after}", self.flags(verb, command)));
        }
        told
    }

    /// What this command lacks of what was named.
    fn flags(&self, verb: &str, command: &str) -> String {
        let says = |flags: &[&str]| command.split_whitespace().any(|word| flags.contains(&word));
        let about_one = IN_A_PROJECT.contains(&verb);
        let target = match verb {
            _ if says(&["--data", "--kubeconfig"]) => "",
            _ if about_one || ASK.contains(&verb) => &self.target,
            _ if HAVE_A_FOLDER.contains(&verb) => &self.data,
            _ => "",
        };
        let what = command.split_whitespace().nth(1).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        // What is no name is not quoted into a command.
        let is_name = !self.project.is_empty() && self.project.bytes().all(plain);
        if is_name && about_one && !OF_NO_PROJECT.contains(&what) && !says(&["-p", "-A"]) {
            return format!("{target} -p {}", self.project);
        }
        target.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_about_a_project_names_it() {
        let shop = Named { project: "shop".to_owned(), ..Named::default() };
        let check = |text: &str, told: &str| assert_eq!(shop.within(text), told);
        check("`seaway get stages` lists them all", "`seaway get -p shop stages` lists them all");
        check("seaway logs promotion-1", "seaway logs -p shop promotion-1");
        check("`seaway why` tells how it stands", "`seaway why -p shop` tells how it stands");
        check("seaway abort a; `seaway why b`", "seaway abort -p shop a; `seaway why -p shop b`");
        check("seaway abort -p bank a", "seaway abort -p bank a");
        check("`seaway get projects` asks it", "`seaway get projects` asks it");
        check("`seaway serve` starts one", "`seaway serve` starts one");
        check("correct what it names", "correct what it names");
        let no_name = Named { project: "a b".to_owned(), ..Named::default() };
        assert_eq!(no_name.within("seaway why"), "seaway why");
        assert_eq!(typed_of("bank", "seaway resume prod-eu"), "seaway resume -p bank prod-eu");
    }

    #[test]
    fn a_command_asks_the_control_plane_that_was_named() {
        let global = |data: Option<&str>, kubeconfig: Option<&str>, context: Option<&str>| Global {
            project: None,
            data: data.map(Into::into),
            kubeconfig: kubeconfig.map(Into::into),
            context: context.map(str::to_owned),
        };
        let check = |global: Global, text: &str, told: &str| assert_eq!(Named::of(&global).within(text), told);
        let folder = || global(Some("./my bank"), None, None);
        check(folder(), "seaway logs -f x", "seaway logs --data './my bank' -f x");
        check(folder(), "`seaway get projects` asks it", "`seaway get --data './my bank' projects` asks it");
        check(folder(), "`seaway token list` lists yours", "`seaway token --data './my bank' list` lists yours");
        check(folder(), "`seaway serve` starts one", "`seaway serve --data './my bank'` starts one");
        check(folder(), "seaway demo --data there", "seaway demo --data there");
        check(folder(), "seaway login --user bob", "seaway login --user bob");
        check(folder(), "this is a fault of Seaway: `seaway version`", "this is a fault of Seaway: `seaway version`");
        let file = || global(Some("d"), Some("it's"), Some("seaway-far"));
        check(file(), "seaway why prod-eu", r"seaway why --kubeconfig 'it'\''s' --context seaway-far prod-eu");
        check(file(), "`seaway demo` starts it", "`seaway demo --data d` starts it");
        check(global(None, None, None), "seaway why", "seaway why");
        let both = Global { project: Some("shop".to_owned()), ..global(Some("d"), None, None) };
        check(both, "seaway promote qa --freight 1", "seaway promote --data d -p shop qa --freight 1");
    }
}
