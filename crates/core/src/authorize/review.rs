//! What somebody may do in a namespace, as a list: the answer to a SelfSubjectRulesReview.

use super::ask::Who;
use super::policy::Policy;
use super::rule::Rule;
use serde::Serialize;
use std::collections::BTreeSet;

/// The `status` of a SelfSubjectRulesReview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Rights on resources.
    pub resource_rules: Vec<Rule>,
    /// Rights on paths.
    pub non_resource_rules: Vec<Rule>,
    /// Whether something could not be read, so that there may be more.
    pub incomplete: bool,
    /// What could not be read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evaluation_error: String,
}

impl Policy {
    /// The rights somebody has in a namespace, each once and in order; cluster-wide ones where it is empty.
    pub fn review(&self, who: &Who<'_>, namespace: &str) -> Review {
        let review = self.review_of_owner(who, namespace);
        match who.scope {
            Some(scope) => scope.narrow(review, namespace),
            None => review,
        }
    }

    fn review_of_owner(&self, who: &Who<'_>, namespace: &str) -> Review {
        if who.is_master() {
            let (resource_rules, non_resource_rules) = (vec![Rule::everything()], vec![Rule::every_path()]);
            return Review { resource_rules, non_resource_rules, ..Review::default() };
        }
        let rules: BTreeSet<&Rule> = self.rules_of(who, namespace).into_iter().collect();
        let (paths, resources): (Vec<&Rule>, Vec<&Rule>) = rules.into_iter().partition(|rule| !rule.non_resource_urls.is_empty());
        let troubles = self.troubles(who, namespace);
        let missing = troubles.dangling.iter().map(|it| format!("{it}, which is not there"));
        let unreadable = troubles.unreadable.iter().map(|it| format!("{it} has a rule that cannot be read"));
        let evaluation_error = missing.chain(unreadable).collect::<Vec<_>>().join("; ");
        Review {
            resource_rules: resources.into_iter().cloned().collect(),
            non_resource_rules: paths.into_iter().cloned().collect(),
            incomplete: !evaluation_error.is_empty(),
            evaluation_error,
        }
    }
}
