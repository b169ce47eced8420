//! Claims of an identity provider, and the service accounts they lead to by annotations (reference §1.3, §10.2).

use super::RESERVED;
use super::ask::ServiceAccount;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// JSON: `{"groups": ["devops"], "email": "carl@example.com"}`.
const CLAIMS: &str = "rbac.kargo.akuity.io/claims";
/// With a claim's name behind it; the values stand between commas.
const CLAIM: &str = "rbac.kargo.akuity.io/claim.";
/// Values of one claim that are looked at.
const VALUES_MAX: usize = 1000;

/// Claims and their values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims(BTreeMap<String, BTreeSet<String>>);

impl Claims {
    /// The claims of a verified ID token: its texts and lists of texts. Values that begin with `system:` are left out, and so is an
    /// email address that the provider says is not verified.
    pub fn of_token(token: &Value) -> Self {
        let mut claims = Self::default();
        for (claim, value) in token.as_object().into_iter().flatten() {
            claims.add(claim, values(value).into_iter().flatten().filter(|value| !value.starts_with(RESERVED)));
        }
        if matches!(token.get("email_verified"), Some(Value::Bool(false))) || token["email_verified"] == "false" {
            claims.0.remove("email");
        }
        claims
    }

    /// The claims that lead to a service account, by its annotations. One that cannot be read leads nobody there.
    pub(super) fn granted(account: &Value) -> Self {
        let mut claims = Self::default();
        for (key, value) in account.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten() {
            let text = value.as_str().unwrap_or_default();
            if key == CLAIMS {
                let Ok(Value::Object(map)) = serde_json::from_str(text) else { continue };
                map.iter().for_each(|(claim, value)| claims.add(claim, values(value).into_iter().flatten()));
            } else if let Some(claim) = key.strip_prefix(CLAIM) {
                claims.add(claim, text.split(','));
            }
        }
        claims
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of a claim, sorted.
    pub fn values(&self, claim: &str) -> impl Iterator<Item = &str> {
        self.0.get(claim).into_iter().flatten().map(String::as_str)
    }

    fn add<'a>(&mut self, claim: &str, values: impl Iterator<Item = &'a str>) {
        let values = values.map(str::trim).filter(|value| !value.is_empty()).take(VALUES_MAX);
        let values: BTreeSet<String> = values.map(str::to_owned).collect();
        if !claim.is_empty() && !values.is_empty() {
            self.0.entry(claim.to_owned()).or_default().extend(values);
        }
    }
}

/// A text, or a list of texts; anything else is none.
fn values(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// Service accounts by namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<String, Vec<ServiceAccount>>);

impl Accounts {
    /// Those of a namespace.
    pub fn within(&self, namespace: &str) -> &[ServiceAccount] {
        self.0.get(namespace).map(Vec::as_slice).unwrap_or_default()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &ServiceAccount> {
        self.0.values().flatten()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<ServiceAccount> for Accounts {
    fn from_iter<I: IntoIterator<Item = ServiceAccount>>(accounts: I) -> Self {
        let mut all: BTreeMap<String, Vec<ServiceAccount>> = BTreeMap::new();
        for account in accounts.into_iter().collect::<BTreeSet<_>>() {
            all.entry(account.namespace.clone()).or_default().push(account);
        }
        Self(all)
    }
}

/// Service accounts by the claims that lead to them.
#[derive(Debug, Clone, Default)]
pub(super) struct ClaimIndex {
    by_claim: HashMap<String, HashMap<String, BTreeSet<ServiceAccount>>>,
    of: HashMap<ServiceAccount, Claims>,
}

impl ClaimIndex {
    /// Sets the claims of an account; returns whether they changed.
    pub(super) fn set(&mut self, account: ServiceAccount, claims: &Claims) -> bool {
        if self.of.get(&account).unwrap_or(&Claims::default()) == claims {
            return false;
        }
        for (claim, values) in self.of.remove(&account).unwrap_or_default().0 {
            let Some(known) = self.by_claim.get_mut(&claim) else { continue };
            for value in values {
                if let Some(accounts) = known.get_mut(&value) {
                    accounts.remove(&account);
                    if accounts.is_empty() {
                        known.remove(&value);
                    }
                }
            }
        }
        for (claim, values) in &claims.0 {
            for value in values {
                let known = self.by_claim.entry(claim.clone()).or_default();
                known.entry(value.clone()).or_default().insert(account.clone());
            }
        }
        if !claims.is_empty() {
            self.of.insert(account, claims.clone());
        }
        true
    }

    pub(super) fn accounts_of(&self, claims: &Claims) -> Accounts {
        let pairs = claims.0.iter().filter_map(|(claim, values)| Some((self.by_claim.get(claim)?, values)));
        pairs.flat_map(|(known, values)| values.iter().filter_map(move |value| known.get(value))).flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn account(name: &str, annotations: &Value) -> (ServiceAccount, Claims) {
        let object = json!({ "metadata": { "annotations": annotations } });
        (ServiceAccount::new("bank", name).unwrap(), Claims::granted(&object))
    }

    /// The accounts that a token leads to, where `a` bears the annotations.
    #[track_caller]
    fn check(annotations: Value, token: Value, leads: bool) {
        let (account, granted) = account("a", &annotations);
        let mut index = ClaimIndex::default();
        index.set(account.clone(), &granted);
        let accounts = index.accounts_of(&Claims::of_token(&token));
        assert_eq!(accounts.within("bank"), if leads { vec![account.clone()] } else { vec![] });
        assert!(!index.set(account.clone(), &granted));
        index.set(account, &Claims::default());
        assert!(index.by_claim.values().all(HashMap::is_empty), "{index:?}");
    }

    #[test]
    fn any_value_of_any_claim_leads_to_the_account() {
        let new = json!({ CLAIMS: r#"{"groups": ["devops", "leads"], "email": "carl@example.com"}"# });
        check(new.clone(), json!({ "groups": ["leads"] }), true);
        check(new.clone(), json!({ "groups": "devops" }), true);
        check(new.clone(), json!({ "email": "carl@example.com" }), true);
        check(new.clone(), json!({ "groups": ["Leads"], "sub": "devops" }), false);
        check(new.clone(), json!({ "groups": ["leads", 7] }), false);
        let old = json!({ "rbac.kargo.akuity.io/claim.groups": "devops, leads,,", "rbac.kargo.akuity.io/claim.": "x" });
        check(old.clone(), json!({ "groups": ["leads"] }), true);
        check(old, json!({ "groups": [""], "": "x" }), false);
        let both = json!({ CLAIMS: r#"{"groups": ["a"]}"#, "rbac.kargo.akuity.io/claim.groups": "b" });
        check(both.clone(), json!({ "groups": ["a"] }), true);
        check(both, json!({ "groups": ["b"] }), true);
    }

    #[test]
    fn what_cannot_be_trusted_or_read_leads_nowhere() {
        let email = json!({ CLAIMS: r#"{"email": "carl@example.com"}"# });
        check(email.clone(), json!({ "email": "carl@example.com", "email_verified": false }), false);
        check(email.clone(), json!({ "email": "carl@example.com", "email_verified": "false" }), false);
        check(email, json!({ "email": "carl@example.com", "email_verified": true }), true);
        check(json!({ CLAIMS: "groups: devops" }), json!({ "groups": "devops" }), false);
        check(json!({ CLAIMS: r#"{"groups": {"a": 1}}"# }), json!({ "groups": "a" }), false);
        check(json!({ CLAIMS: r#"{"groups": "system:masters"}"# }), json!({ "groups": ["system:masters"] }), false);
    }
}
