//! The bank: one project, two services, five stages, one repository. At rest 1.5.0 is everywhere but in production.

use crate::{FreightBuilder, StageBuilder, WarehouseBuilder, freight, stage, warehouse};
use seaway_api::kargo::{Freight, Project, ProjectConfig, ProjectConfigSpec, PromotionPolicy, Stage, StageSelector, Warehouse};
use serde_json::json;

/// The project, its namespace and its only warehouse.
pub const BANK: &str = "bank";
/// The service most is told of.
pub const FUND_TRANSFER: &str = "fund-transfer";
/// The other one.
pub const ACCOUNT_INFO: &str = "account-info";
/// The stages, upstream first.
pub const STAGES: [&str; 5] = ["qa", "e2e", "staging", "prod-eu", "prod-us"];
/// Those that promote by themselves; `prod-eu` waits for a person.
pub const AUTOMATIC: [&str; 4] = ["qa", "e2e", "staging", "prod-us"];
/// The developer.
pub const ALICE: &str = "user:alice";
/// The one who promotes to production.
pub const BOB: &str = "user:bob";
/// The one who may look.
pub const EVE: &str = "user:eve";

/// Where the bank's neighbours are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// The registry, without a scheme: `127.0.0.1:7450`.
    pub registry: String,
    /// The repository: `http://127.0.0.1:7480/bank.git`.
    pub repository: String,
}

impl Default for Bank {
    fn default() -> Self {
        Self { registry: "127.0.0.1:7450".into(), repository: "http://127.0.0.1:7480/bank.git".into() }
    }
}

impl Bank {
    /// The image repository of a service.
    pub fn image(&self, service: &str) -> String {
        format!("{}/{service}", self.registry)
    }

    /// The project.
    pub fn project(&self) -> Project {
        let mut project = Project::default();
        project.metadata.name = Some(BANK.to_owned());
        project
    }

    /// Who promotes by itself.
    pub fn project_config(&self) -> ProjectConfig {
        let policy = |name: &str| PromotionPolicy {
            stage_selector: Some(StageSelector { name: name.to_owned(), ..StageSelector::default() }),
            auto_promotion_enabled: true,
            ..PromotionPolicy::default()
        };
        let promotion_policies = AUTOMATIC.into_iter().map(policy).collect();
        let mut config = ProjectConfig::new(BANK, ProjectConfigSpec { promotion_policies, ..ProjectConfigSpec::default() });
        config.metadata = crate::metadata(BANK);
        config
    }

    /// One warehouse with both services.
    pub fn warehouse(&self) -> Warehouse {
        let both = [FUND_TRANSFER, ACCOUNT_INFO].into_iter();
        both.fold(warehouse(BANK), |w: WarehouseBuilder, service| w.image(&self.image(service), "^1.0.0")).build()
    }

    /// Freight with that version of fund-transfer, and account-info 2.0.0.
    pub fn freight(&self, version: &str) -> FreightBuilder {
        freight(&format!("freight-{version}"), BANK)
            .alias(&format!("fund-transfer-{version}"))
            .image(&self.image(FUND_TRANSFER), version)
            .image(&self.image(ACCOUNT_INFO), "2.0.0")
            .found("2026-01-01T00:00:00Z")
    }

    /// One stage, with the steps that write its overlay.
    pub fn stage(&self, name: &str) -> StageBuilder {
        let at = STAGES.iter().position(|stage| *stage == name).unwrap_or(STAGES.len());
        let built = match at {
            0 => stage(name).direct(BANK),
            1..5 => stage(name).after(BANK, &[STAGES[at - 1]]),
            _ => stage(name),
        };
        let built = if name == "prod-us" { built.soak("1m") } else { built };
        let images = [FUND_TRANSFER, ACCOUNT_INFO].map(|service| {
            let image = self.image(service);
            json!({ "image": image, "tag": format!("${{{{ imageFrom(\"{image}\").Tag }}}}") })
        });
        let path = format!("./bank/overlays/{name}");
        built
            .step(
                "git-clone",
                "clone",
                json!({ "repoURL": self.repository, "checkout": [{ "branch": "main", "path": "./bank" }] }),
            )
            .step("kustomize-set-image", "update", json!({ "path": path, "images": images }))
            .step("git-commit", "commit", json!({ "path": "./bank", "message": "${{ outputs.update.commitMessage }}" }))
            .step("git-push", "push", json!({ "path": "./bank" }))
    }

    /// All stages, upstream first.
    pub fn stages(&self) -> Vec<Stage> {
        STAGES.into_iter().map(|name| self.stage(name).build()).collect()
    }

    /// The world at rest: the freight there is, and the stages with what they have.
    pub fn at_rest(&self) -> (Vec<Freight>, Vec<Stage>) {
        let has = |stage: &str| if stage.starts_with("prod") { "1.4.8" } else { "1.5.0" };
        let since = "2026-01-01T00:00:00Z";
        let freight = ["1.4.8", "1.5.0"].map(|version| {
            // 1.4.8 has been through all stages, 1.5.0 through those it is in.
            let seen = STAGES.iter().filter(|stage| version == "1.4.8" || has(stage) == version);
            let built = seen.fold(self.freight(version), |f, stage| f.verified_in(stage, since));
            STAGES.iter().filter(|stage| has(stage) == version).fold(built, |f, stage| f.currently_in(stage, since)).build()
        });
        let reference = |stage: &str| freight[usize::from(has(stage) == "1.5.0")].reference();
        let stages = STAGES.into_iter().map(|name| self.stage(name).has(&reference(name)).build()).collect();
        (freight.into(), stages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bank_is_as_the_product_says() {
        let bank = Bank::default();
        let (freight, stages) = bank.at_rest();
        let has: Vec<&str> = stages
            .iter()
            .map(|stage| stage.status.as_ref().unwrap().freight_history[0].items["Warehouse/bank"].images[0].tag.as_str())
            .collect();
        assert_eq!(has, ["1.5.0", "1.5.0", "1.5.0", "1.4.8", "1.4.8"]);
        assert_eq!(freight[1].status.as_ref().unwrap().currently_in.len(), 3);
        assert_eq!(bank.project_config().spec.promotion_policies.len(), 4);
        assert_eq!(bank.warehouse().spec.subscriptions.len(), 2);
        let sources = &stages[4].spec.requested_freight[0].sources;
        assert_eq!(
            (sources.stages.as_slice(), sources.required_soak_time.as_ref().unwrap().as_str()),
            (&["prod-eu".to_owned()][..], "1m")
        );
    }

    #[test]
    fn promotions_sort_as_they_were_made() {
        let name = |n| crate::promotion("qa", "a8ba37fe3b", n).build().metadata.name.unwrap();
        assert!(name(2) < name(10));
        assert!(name(1).ends_with(".a8ba37f"));
    }
}
