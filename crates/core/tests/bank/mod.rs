//! The bank's pipeline in memory: decisions are carried out one by one until nothing moves.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use seaway_api::GoDuration;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::*;
use seaway_api::seaway::PromotionRun;
use seaway_core::freight;
use seaway_core::stage::{Decision, World, decide, hold_annotation, is_control_flow};
use seaway_core::view;
use seaway_core::why::{self, Project};
use std::collections::BTreeSet;

/// The bank: everything the project holds.
pub(crate) struct Bank {
    pub(crate) now: Timestamp,
    pub(crate) warehouses: Vec<Warehouse>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) freight: Vec<Freight>,
    pub(crate) promotions: Vec<Promotion>,
    pub(crate) runs: Vec<PromotionRun>,
    pub(crate) policies: Vec<PromotionPolicy>,
    n_promotions: usize,
}

pub(crate) fn step(uses: &str) -> PromotionStep {
    PromotionStep { uses: uses.into(), ..PromotionStep::default() }
}

pub(crate) fn stage(name: &str, sources: FreightSources) -> Stage {
    let template = PromotionTemplate {
        spec: PromotionTemplateSpec { steps: vec![step("git-clone"), step("git-push"), step("http")], ..Default::default() },
    };
    let spec = StageSpec {
        requested_freight: vec![FreightRequest { origin: FreightOrigin::warehouse("bank"), sources }],
        promotion_template: Some(template),
        ..StageSpec::default()
    };
    let mut stage = Stage::new(name, spec);
    stage.metadata.namespace = Some("bank".into());
    stage
}

pub(crate) fn direct() -> FreightSources {
    FreightSources { direct: true, ..FreightSources::default() }
}

pub(crate) fn from(stages: &[&str]) -> FreightSources {
    FreightSources { stages: stages.iter().map(|s| (*s).into()).collect(), ..FreightSources::default() }
}

pub(crate) fn soak(stages: &[&str], duration: &str) -> FreightSources {
    FreightSources { required_soak_time: Some(GoDuration::from(duration)), ..from(stages) }
}

fn by_itself(name: &str) -> PromotionPolicy {
    PromotionPolicy {
        stage_selector: Some(StageSelector { name: name.into(), ..StageSelector::default() }),
        auto_promotion_enabled: true,
        ..PromotionPolicy::default()
    }
}

impl Bank {
    pub(crate) fn new() -> Self {
        let mut warehouse = Warehouse::new("bank", WarehouseSpec::default());
        warehouse.metadata.namespace = Some("bank".into());
        let mut bank = Self {
            now: "2026-11-21T10:00:00Z".parse().unwrap(),
            warehouses: vec![warehouse],
            stages: vec![
                stage("prod-us", soak(&["prod-eu"], "1m")),
                stage("prod-eu", from(&["staging"])),
                stage("e2e", from(&["qa"])),
                stage("qa", direct()),
                stage("staging", from(&["e2e"])),
            ],
            freight: Vec::new(),
            promotions: Vec::new(),
            runs: Vec::new(),
            policies: vec![by_itself("regex:^(qa|e2e|staging)$"), by_itself("glob:prod-u*")],
            n_promotions: 0,
        };
        for version in ["1.4.8", "1.5.0"] {
            bank.push(version);
            bank.settle();
            if version == "1.4.8" {
                bank.promote("prod-eu", "1.4.8", "bob");
                bank.settle();
                bank.pass("1m");
                bank.settle();
            }
        }
        bank
    }

    pub(crate) fn pass(&mut self, span: &str) {
        let span = GoDuration::from(span).get().unwrap();
        self.now = self.now.checked_add(SignedDuration::try_from(span).unwrap()).unwrap();
    }

    /// A new image of fund-transfer becomes freight, as the warehouse would make it.
    pub(crate) fn push(&mut self, version: &str) {
        self.pass("1s");
        let image = |name: &str, tag: &str| Image {
            repo_url: format!("127.0.0.1:7450/{name}"),
            tag: tag.into(),
            digest: format!("sha256:{tag}"),
            ..Image::default()
        };
        let mut freight = Freight {
            origin: FreightOrigin::warehouse("bank"),
            images: vec![image("fund-transfer", version), image("account-info", "2.0.0")],
            discovered_at: Some(Time(self.now)),
            ..Freight::default()
        };
        freight.metadata.name = Some(freight::name_of(&freight));
        freight.metadata.namespace = Some("bank".into());
        self.freight.push(freight);
    }

    pub(crate) fn named(&self, query: &str) -> String {
        freight::find(query, &self.freight).unwrap().metadata.name.clone().unwrap()
    }

    /// A person promotes, as admission would let them in.
    pub(crate) fn promote(&mut self, stage: &str, query: &str, actor: &str) -> String {
        let freight = self.named(query);
        let there = self.stages.iter().find(|s| s.metadata.name.as_deref() == Some(stage)).unwrap().clone();
        let request = &there.spec.requested_freight[0];
        let listing = freight::list(&self.freight, stage, request, self.now, &|_| false);
        let candidate = freight::candidate(&listing, request).one().cloned();
        let automatic = seaway_core::stage::auto_promotion_enabled(&there, &self.policies);
        let mark = automatic.then(|| hold_annotation(&request.origin, &freight, candidate.as_ref()));
        self.create(stage, &freight, actor, mark)
    }

    fn create(&mut self, stage: &str, freight: &str, actor: &str, mark: Option<(&str, String)>) -> String {
        self.n_promotions += 1;
        let name = format!("{stage}.{:026}.{}", self.n_promotions, &freight[..7]);
        let steps = vec![step("git-clone"), step("git-push"), step("http")];
        let spec = PromotionSpec { stage: stage.into(), freight: freight.into(), steps, ..PromotionSpec::default() };
        let mut promotion = Promotion::new(&name, spec);
        promotion.metadata.creation_timestamp = Some(Time(self.now));
        let annotations = promotion.metadata.annotations.get_or_insert_default();
        annotations.insert(annotation::CREATE_ACTOR.into(), actor.into());
        annotations.extend(mark.map(|(key, value)| (key.to_owned(), value)));
        self.promotions.push(promotion);
        name
    }

    pub(crate) fn decision(&self, stage: &str) -> Decision {
        self.decide(self.stages.iter().find(|s| s.metadata.name.as_deref() == Some(stage)).unwrap())
    }

    fn decide(&self, stage: &Stage) -> Decision {
        let own = stage.metadata.name.clone().unwrap();
        let promotions: Vec<_> = self.promotions.iter().filter(|p| p.spec.stage == own).cloned().collect();
        let control_flow: BTreeSet<String> =
            self.stages.iter().filter(|s| is_control_flow(s)).filter_map(|s| s.metadata.name.clone()).collect();
        let unbuilt = seaway_core::unbuilt::stage(&stage.spec, &is_built);
        let freight: Vec<&Freight> = self.freight.iter().collect();
        decide(&World {
            stage,
            promotions: &promotions,
            freight: &freight,
            policies: &self.policies,
            control_flow: &control_flow,
            warehouses: &self.warehouses.iter().filter_map(|w| w.metadata.name.clone()).collect(),
            unbuilt: &unbuilt,
            checked: None,
            now: self.now,
            verification_id: "v",
        })
    }

    /// One look at every stage; says whether anything moved.
    pub(crate) fn look(&mut self) -> bool {
        let mut moved = false;
        for i in 0..self.stages.len() {
            let decision = self.decide(&self.stages[i]);
            let name = self.stages[i].metadata.name.clone().unwrap();
            moved |= self.stages[i].status.as_ref() != Some(&decision.status);
            moved |= !decision.freight.is_empty() || !decision.promote.is_empty();
            self.stages[i].status = Some(decision.status);
            for change in decision.freight {
                let freight = self.freight.iter_mut().find(|f| f.metadata.name.as_deref() == Some(change.freight())).unwrap();
                change.apply(&name, freight.status.get_or_insert_default());
            }
            for auto in decision.promote {
                self.create(&name, &auto.freight, "controller:stage", None);
            }
            if let Some(start) = decision.start {
                self.run(&name, &start);
                moved = true;
            }
        }
        moved
    }

    /// Carries a promotion out: 1.5.2 fails its smoke test in e2e, after the push.
    fn run(&mut self, stage: &str, promotion: &str) {
        let there = self.stages.iter().find(|s| s.metadata.name.as_deref() == Some(stage)).unwrap();
        let promotion = self.promotions.iter_mut().find(|p| p.metadata.name.as_deref() == Some(promotion)).unwrap();
        let freight = self.freight.iter().find(|f| f.metadata.name.as_ref() == Some(&promotion.spec.freight)).unwrap();
        let bad = stage == "e2e" && freight.images[0].tag == "1.5.2";
        let went = |status| StepExecutionMetadata { status, ..StepExecutionMetadata::default() };
        let last = if bad { PromotionStepStatus::Failed } else { PromotionStepStatus::Succeeded };
        promotion.status = Some(PromotionStatus {
            phase: if bad { PromotionPhase::Failed } else { PromotionPhase::Succeeded },
            message: if bad { "smoke test answered 500".into() } else { String::new() },
            freight: Some(freight.reference()),
            freight_collection: Some(freight::collection(there, freight)),
            started_at: Some(Time(self.now)),
            finished_at: Some(Time(self.now)),
            step_execution_metadata: vec![went(PromotionStepStatus::Succeeded), went(PromotionStepStatus::Succeeded), went(last)],
            ..PromotionStatus::default()
        });
    }

    pub(crate) fn settle(&mut self) {
        for _ in 0..50 {
            if !self.look() {
                return;
            }
        }
        panic!("the pipeline does not come to rest");
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Project<'_>) -> T) -> T {
        ask(&Project {
            stages: &self.stages,
            warehouses: &self.warehouses,
            freight: &self.freight,
            promotions: &self.promotions,
            runs: &self.runs,
            policies: &self.policies,
            is_built: &is_built,
            may_promote: &|_| true,
            now: self.now,
        })
    }

    pub(crate) fn table(&self) -> String {
        let dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let rows = self.with(view::stages);
        let line = |r: view::Row| {
            let since = r.since.map_or_else(|| "-".into(), |s| why::age(s, self.now));
            format!("{} | {} | {} | {} | {} | {since}", r.stage, dash(&r.has), dash(&r.next), r.state, dash(&r.waits_for))
        };
        rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn why(&self, stage: &str) -> String {
        let stage = self.stages.iter().find(|s| s.metadata.name.as_deref() == Some(stage)).unwrap();
        self.with(|project| why::stage(project, stage).first_line(self.now))
    }

    /// The lines about freight; it goes by its version.
    pub(crate) fn why_freight(&self, version: &str) -> String {
        let freight = self.freight.iter().find(|f| f.images[0].tag == version).unwrap();
        let lines = self.with(|project| why::freight_on_its_way(project, freight));
        let name = freight.metadata.name.as_deref().unwrap();
        lines.iter().map(|line| line.first_line(self.now).replace(name, version)).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn edit(&mut self, stage: &str, change: impl FnOnce(&mut Stage)) {
        change(self.stages.iter_mut().find(|s| s.metadata.name.as_deref() == Some(stage)).unwrap());
    }
}

fn is_built(uses: &str) -> bool {
    matches!(uses, "git-clone" | "git-push" | "http")
}
