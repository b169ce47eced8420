//! Where an example is played: its placeholder addresses become those of the neighbours, below a path of its own.

use crate::world::World;

/// The addresses at hand for one example.
///
/// `https://git.example.com` is the git server, `registry.example.com` the registry, and any other `https://….example.com` the ear;
/// each example has its own folder there, so that many can be played at once. The demo's loopback addresses become those at hand.
#[derive(Debug, Clone)]
pub struct Place {
    git: String,
    registry: String,
    ear: String,
    folder: String,
}

impl Place {
    /// The place of an example in a world.
    pub fn of(world: &World, example: &str) -> Self {
        let (git, registry, ear) = (world.git_address(), world.registry_address(), world.ear().address());
        Self { git, registry, ear, folder: example.replace('/', "-") }
    }

    /// A text with the addresses at hand.
    pub fn here(&self, text: &str) -> String {
        let Self { git, registry, ear, folder } = self;
        let text = text
            .replace("https://git.example.com/", &format!("http://{git}/{folder}/"))
            .replace("registry.example.com/", &format!("{registry}/{folder}/"))
            .replace("127.0.0.1:7480", git)
            .replace("127.0.0.1:7450", registry);
        let mut parts = text.split("https://");
        let mut here = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let host = part.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-')).next().unwrap_or_default();
            if host.ends_with(".example.com") {
                here.push_str(&format!("http://{ear}/{folder}{}", &part[host.len()..]));
            } else {
                here.push_str(&format!("https://{part}"));
            }
        }
        here
    }

    /// The repositories at the git server that a text (with the addresses at hand) names: `patterns-a-b/demo`.
    pub(super) fn repositories(&self, here: &str) -> Vec<String> {
        let paths = named(here, &format!("http://{}/", self.git));
        paths.into_iter().filter_map(|path| path.strip_suffix(".git").map(str::to_owned)).collect()
    }

    /// The image repositories at the registry that it names: `patterns-a-b/demo/app`.
    pub(super) fn images(&self, here: &str) -> Vec<String> {
        named(here, &format!("{}/", self.registry))
    }

    /// The path of an URL at the ear.
    pub(super) fn path<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix("http://")?.strip_prefix(self.ear.as_str())
    }
}

/// What follows `before` in a text, each once.
fn named(text: &str, before: &str) -> Vec<String> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_' | '/');
    let mut found: Vec<String> = text
        .split(before)
        .skip(1)
        .filter_map(|rest| rest.split(ends).next())
        .map(|it| it.trim_end_matches('/').to_owned())
        .collect();
    found.retain(|it| !it.is_empty());
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            git: "127.0.0.1:1".into(),
            registry: "127.0.0.1:2".into(),
            ear: "127.0.0.1:3".into(),
            folder: "steps-http".into(),
        }
    }

    #[test]
    fn placeholders_become_the_neighbours() {
        let check = |text: &str, here: &str| assert_eq!(place().here(text), here);
        check("repoURL: https://git.example.com/demo.git", "repoURL: http://127.0.0.1:1/steps-http/demo.git");
        check("imageFrom('registry.example.com/demo/app')", "imageFrom('127.0.0.1:2/steps-http/demo/app')");
        check("url: https://status.example.com/version", "url: http://127.0.0.1:3/steps-http/version");
        check("url: https://chat.example.com", "url: http://127.0.0.1:3/steps-http");
        check("http://127.0.0.1:7480/bank.git", "http://127.0.0.1:1/bank.git");
        check(r"key: annotations.example\.com/owner", r"key: annotations.example\.com/owner");
        check("https://example.org/x", "https://example.org/x");
    }

    #[test]
    fn what_a_text_names_is_found() {
        let here = place()
            .here("a: registry.example.com/demo/app\nb: 'registry.example.com/demo/app'\nc: https://git.example.com/demo.git\n");
        assert_eq!(place().images(&here), ["steps-http/demo/app"]);
        assert_eq!(place().repositories(&here), ["steps-http/demo"]);
    }
}
