//! The columns of the tables: whoever is asked about, each by a token that the control plane gave.

use crate::asking::Line;
use crate::bank::Bank;
use std::collections::BTreeMap;

/// Tokens by the column's name; nobody has none.
pub(super) struct Columns(BTreeMap<&'static str, String>);

impl Columns {
    pub(super) fn of(bank: &Bank) -> Self {
        let accounts = [
            ("viewer", "bank", "kargo-viewer"),
            ("promoter", "bank", "kargo-promoter"),
            ("admin", "bank", "kargo-admin"),
            ("sysadmin", "kargo", "kargo-admin"),
            ("sysviewer", "kargo", "kargo-viewer"),
            ("user", "kargo", "kargo-user"),
            ("creator", "kargo", "kargo-project-creator"),
            ("other", "shop", "kargo-promoter"),
        ];
        let tokens = accounts.map(|(column, namespace, name)| (column, bank.account(namespace, name)));
        let made = bank.plane.ok(&["token", "create", "narrow", "-p", "shop", "--expires", "1d", "-o", "json"]);
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let scoped = made["token"].as_str().unwrap().to_owned();
        let more =
            [("alice", bank.person("alice")), ("scoped", scoped), ("owner", bank.owner.clone()), ("nobody", String::new())];
        Self(tokens.into_iter().chain(more).collect())
    }

    /// Asks each of these columns, a thread for some of them; answers come in the columns' order.
    pub(super) fn each<T: Send>(&self, bank: &Bank, names: &[String], ask: impl Fn(&mut Asker) -> T + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let start = |name: &String| {
                let token = self.0.get(name.as_str()).unwrap_or_else(|| panic!("nobody is called {name}")).clone();
                let mut asker = Asker { name: name.clone(), token, line: bank.door.line() };
                let ask = &ask;
                scope.spawn(move || ask(&mut asker))
            };
            let asked: Vec<_> = names.iter().map(start).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect()
        })
    }
}

/// One of them, on a connection of their own.
pub(super) struct Asker {
    pub(super) name: String,
    token: String,
    line: Line,
}

impl Asker {
    pub(super) fn ask(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> crate::asking::Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut all = headers.to_vec();
        if !self.token.is_empty() {
            all.push(("Authorization", &bearer));
        }
        self.line.ask(method, target, &all, body)
    }
}
