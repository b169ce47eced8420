//! Parts of a document that its schema knows and this release has not built: admitted, and `Blocked` with `NotBuilt`.

use seaway_api::kargo::{
    ClusterConfigSpec, ImageSelectionStrategy, ProjectConfigSpec, PromotionSpec, PromotionStep, StageSpec, Typed, WarehouseSpec,
};
use serde::Serialize;

/// One such part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unbuilt {
    /// Where it stands in the document, such as `spec.subscriptions[1].chart`.
    pub path: String,
    /// What it is, in words.
    pub part: String,
}

impl Unbuilt {
    fn new(path: impl Into<String>, part: impl Into<String>) -> Self {
        Self { path: path.into(), part: part.into() }
    }
}

/// One sentence about all of them; `None` if there are none.
pub fn sentence(unbuilt: &[Unbuilt]) -> Option<String> {
    let parts: Vec<String> = unbuilt.iter().map(|u| format!("{} (`{}`)", u.part, u.path)).collect();
    match parts.len() {
        0 => None,
        1 => Some(format!("{} is not built yet", parts[0])),
        _ => Some(format!("{} are not built yet", parts.join(", "))),
    }
}

/// What of a warehouse is not built.
pub fn warehouse(spec: &WarehouseSpec) -> Vec<Unbuilt> {
    let mut found = Vec::new();
    for (i, subscription) in spec.subscriptions.iter().enumerate() {
        let path = |rest: &str| format!("spec.subscriptions[{i}].{rest}");
        match subscription.typed() {
            Some(Typed::Chart(_)) => found.push(Unbuilt::new(path("chart"), "a chart subscription")),
            Some(Typed::Other(other)) => {
                let part = format!("a subscription of type `{}`", other.subscription_type);
                found.push(Unbuilt::new(path(&other.subscription_type), part));
            }
            Some(Typed::Image(image)) if image.image_selection_strategy == ImageSelectionStrategy::NewestBuild => {
                found.push(Unbuilt::new(path("image.imageSelectionStrategy"), "image selection by NewestBuild"));
            }
            _ => {}
        }
    }
    found
}

/// What of a stage is not built; `is_built` knows the kinds of steps there are.
///
/// Steps behind a task are seen when a promotion is made from it: see [`promotion`].
pub fn stage(spec: &StageSpec, is_built: &dyn Fn(&str) -> bool) -> Vec<Unbuilt> {
    let mut found = Vec::new();
    if spec.verification.is_some() {
        found.push(Unbuilt::new("spec.verification", "verification"));
    }
    if spec.targets.is_some() {
        found.push(Unbuilt::new("spec.targets", "fanning out to targets"));
    }
    if let Some(template) = &spec.promotion_template {
        steps("spec.promotionTemplate.spec.steps", &template.spec.steps, is_built, &mut found);
    }
    found
}

/// What of a promotion is not built.
pub fn promotion(spec: &PromotionSpec, is_built: &dyn Fn(&str) -> bool) -> Vec<Unbuilt> {
    let mut found = Vec::new();
    if !spec.target.is_empty() {
        found.push(Unbuilt::new("spec.target", "promotion to a target"));
    }
    steps("spec.steps", &spec.steps, is_built, &mut found);
    found
}

/// Every step that Kargo's documentation names, its enterprise ones too: what of them is not built is told from what nobody knows.
pub const KNOWN_STEPS: [&str; 59] = [
    "argocd-update",
    "argocd-wait",
    "compose-output",
    "copy",
    "delete",
    "fail",
    "file-write",
    "get-user-input",
    "gh-create-issue",
    "gh-issue-add-comment",
    "gh-issue-delete-comment",
    "gh-issue-update-comment",
    "gh-search-issues",
    "gh-update-issue",
    "gh-wait-for-issue-state",
    "gha-dispatch-workflow",
    "gha-wait-for-workflow",
    "git-clear",
    "git-clone",
    "git-commit",
    "git-merge-pr",
    "git-open-pr",
    "git-push",
    "git-tag",
    "git-wait-for-pr",
    "github-push",
    "hcl-update",
    "helm-template",
    "helm-update-chart",
    "http",
    "http-download",
    "jfrog-evidence",
    "jira",
    "json-parse",
    "json-update",
    "kustomize-build",
    "kustomize-set-image",
    "oci-download",
    "oci-push",
    "record-audit-event",
    "send-message",
    "set-freight-alias",
    "set-metadata",
    "snow-create",
    "snow-delete",
    "snow-query-for-records",
    "snow-update",
    "snow-wait-for-condition",
    "tar",
    "tf-apply",
    "tf-output",
    "tf-plan",
    "toml-parse",
    "toml-update",
    "untar",
    "wait-for-approval",
    "yaml-merge",
    "yaml-parse",
    "yaml-update",
];

fn steps(path: &str, steps: &[PromotionStep], is_built: &dyn Fn(&str) -> bool, found: &mut Vec<Unbuilt>) {
    for (i, step) in steps.iter().enumerate().filter(|(_, step)| !step.uses.is_empty() && !is_built(&step.uses)) {
        if KNOWN_STEPS.contains(&step.uses.as_str()) {
            found.push(Unbuilt::new(format!("{path}[{i}].uses"), format!("step `{}`", step.uses)));
        }
    }
}

/// What of a project's configuration is not built. It blocks only what it governs.
pub fn project_config(spec: &ProjectConfigSpec) -> Vec<Unbuilt> {
    let mut found = Vec::new();
    if !spec.promotion_windows.is_empty() {
        found.push(Unbuilt::new("spec.promotionWindows", "promotion windows"));
    }
    if !spec.webhook_receivers.is_empty() {
        found.push(Unbuilt::new("spec.webhookReceivers", "webhook receivers"));
    }
    for (i, policy) in spec.promotion_policies.iter().enumerate() {
        if policy.auto_rollback.is_some() {
            found.push(Unbuilt::new(format!("spec.promotionPolicies[{i}].autoRollback"), "rollback by itself"));
        }
    }
    found
}

/// What of the cluster's configuration is not built.
pub fn cluster_config(spec: &ClusterConfigSpec) -> Vec<Unbuilt> {
    let value = serde_json::to_value(spec).unwrap_or_default();
    let there = |pointer: &str| value.pointer(pointer).is_some_and(|v| v.as_array().is_none_or(|list| !list.is_empty()));
    [
        ("/gitClient/signingKeySecret", "spec.gitClient.signingKeySecret", "signing of commits"),
        ("/promotionWindows", "spec.promotionWindows", "promotion windows"),
        ("/webhookReceivers", "spec.webhookReceivers", "webhook receivers"),
    ]
    .into_iter()
    .filter(|(pointer, ..)| there(pointer))
    .map(|(_, path, part)| Unbuilt::new(path, part))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_api::kargo::{ImageSubscription, Subscription};

    #[test]
    fn an_unbuilt_part_is_named_with_its_place() {
        let newest =
            ImageSubscription { image_selection_strategy: ImageSelectionStrategy::NewestBuild, ..ImageSubscription::default() };
        let spec = WarehouseSpec {
            subscriptions: vec![
                Subscription::image(&ImageSubscription::default()),
                Subscription::image(&newest),
                Subscription(serde_json::json!({ "chart": { "repoURL": "oci://x/y" } })),
            ],
            ..WarehouseSpec::default()
        };
        assert_eq!(
            sentence(&warehouse(&spec)).as_deref(),
            Some(
                "image selection by NewestBuild (`spec.subscriptions[1].image.imageSelectionStrategy`), \
                 a chart subscription (`spec.subscriptions[2].chart`) are not built yet"
            )
        );
    }

    #[test]
    fn a_step_nobody_knows_is_not_unbuilt() {
        let step = |uses: &str| PromotionStep { uses: uses.into(), ..PromotionStep::default() };
        let spec = PromotionSpec { steps: vec![step("git-clone"), step("git-open-pr"), step("fly")], ..PromotionSpec::default() };
        let found = promotion(&spec, &|uses| uses == "git-clone");
        assert_eq!(found, [Unbuilt::new("spec.steps[1].uses", "step `git-open-pr`")]);
    }
}
