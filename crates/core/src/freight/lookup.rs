//! Freight as a person names it: by name, by alias, or by a version (`1.5.1`, `fund-transfer:1.5.1`).

use super::label::{Labels, artifacts};
use super::own_name;
use seaway_api::kargo::Freight;
use std::collections::{BTreeSet, HashMap};

/// No freight, or more than one, goes by that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// None does.
    #[error("no freight goes by `{query}`; there is {known}")]
    NotFound {
        /// What was asked for.
        query: String,
        /// The newest pieces there are.
        known: String,
    },
    /// Several do.
    #[error("`{query}` is {n} pieces of freight: {list}; name one of them, or narrow it as in `fund-transfer:1.5.1`", n = names.len(), list = names.join(", "))]
    Several {
        /// What was asked for.
        query: String,
        /// Each as `<name> (<alias>, <versions>)`.
        names: Vec<String>,
    },
}

/// How many pieces an error lists.
const N_LISTED: usize = 5;

/// Finds the freight that a person means. Versions come before aliases; a whole name beats both.
///
/// # Errors
/// Nothing goes by that name, or several pieces do.
pub fn find<'a>(query: &str, freight: &'a [Freight]) -> Result<&'a Freight, LookupError> {
    if let Some(found) = freight.iter().find(|f| own_name(f) == query) {
        return Ok(found);
    }
    for rule in [has_version, has_alias, has_prefix] {
        let found: Vec<&Freight> = freight.iter().filter(|f| rule(f, query)).collect();
        match found[..] {
            [] => {}
            [one] => return Ok(one),
            _ => return Err(LookupError::Several { query: query.to_owned(), names: describe(&found, freight) }),
        }
    }
    let newest = super::newest_first(freight.iter().collect());
    let known = describe(&newest[..newest.len().min(N_LISTED)], freight);
    let known = if known.is_empty() { "none at all".to_owned() } else { known.join(", ") };
    Err(LookupError::NotFound { query: query.to_owned(), known })
}

/// What each piece is called to have [`find`] answer with it: a version, a version with its artifact, the alias, the name; by name.
pub(crate) fn spoken<'a>(all: &'a [Freight]) -> HashMap<&'a str, String> {
    let spellings = |freight: &Freight| -> BTreeSet<String> {
        let each = |(name, version): (String, String)| {
            let bare = version.strip_prefix('v').map(str::to_owned);
            let whole = [Some(version.clone()), bare.clone()].into_iter().flatten();
            let narrow = [Some(version), bare].into_iter().flatten().map(move |it| format!("{name}:{it}"));
            whole.chain(narrow).collect::<Vec<_>>()
        };
        artifacts(&freight.reference()).into_iter().flat_map(each).collect()
    };
    let mut n_of: HashMap<String, usize> = HashMap::new();
    let mut n_aliases: HashMap<&'a str, usize> = HashMap::new();
    for freight in all {
        spellings(freight).into_iter().for_each(|it| *n_of.entry(it).or_default() += 1);
        *n_aliases.entry(freight.alias.as_str()).or_default() += 1;
    }
    let one = |freight: &'a Freight| {
        let versions = artifacts(&freight.reference());
        let narrow = versions.iter().map(|(name, version)| format!("{name}:{version}"));
        let mut tried = versions.iter().map(|(_, version)| version.clone()).chain(narrow);
        let is_one = |it: &String| !it.is_empty() && n_of.get(it) == Some(&1);
        let alias = freight.alias.as_str();
        let by_alias = || (!alias.is_empty() && n_aliases[alias] == 1 && !n_of.contains_key(alias)).then(|| alias.to_owned());
        let called = tried.find(is_one).or_else(by_alias).unwrap_or_else(|| own_name(freight).to_owned());
        (own_name(freight), called)
    };
    all.iter().map(one).collect()
}

fn has_version(freight: &Freight, query: &str) -> bool {
    let same = |version: &str, asked: &str| version == asked || version.strip_prefix('v') == Some(asked);
    let of = |name: Option<&str>, asked: &str| {
        artifacts(&freight.reference()).iter().any(|(n, v)| name.is_none_or(|name| n == name) && same(v, asked))
    };
    let whole = |repo: &str, asked: &str| freight.images.iter().any(|i| i.repo_url == repo && same(&i.tag, asked));
    let commit = query.len() >= 7 && freight.commits.iter().any(|c| c.id.starts_with(query));
    commit
        || of(None, query)
        || query.rsplit_once(':').is_some_and(|(repo, asked)| of(Some(repo), asked) || whole(repo, asked))
        || query.rsplit_once(' ').is_some_and(|(name, asked)| of(Some(name), asked))
}

fn has_alias(freight: &Freight, query: &str) -> bool {
    freight.alias == query
}

fn has_prefix(freight: &Freight, query: &str) -> bool {
    query.len() >= 7 && own_name(freight).starts_with(query)
}

fn describe(found: &[&Freight], all: &[Freight]) -> Vec<String> {
    let references: Vec<_> = all.iter().map(Freight::reference).collect();
    let labels = Labels::new(&references);
    let one = |f: &&Freight| {
        let name = own_name(f).get(..7).unwrap_or_else(|| own_name(f));
        let alias = if f.alias.is_empty() { String::new() } else { format!("{}, ", f.alias) };
        format!("{name} ({alias}{})", labels.of(&f.reference()))
    };
    found.iter().map(one).collect()
}
