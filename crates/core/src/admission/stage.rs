//! Stages: where their freight comes from, and the steps it takes.

use super::json::{flag, list, text};
use super::{Admission, Cause, Denied, steps};
use seaway_api::kargo::names::annotation;
use serde_json::Value;
use std::collections::HashMap;

pub(super) fn admit(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return Ok(());
    }
    admission.sync_shard();
    admission.enrich(annotation::REVERIFY, "id");
    admission.enrich(annotation::ABORT, "id");
    admission.check_project()?;
    admission.check_rules()?;
    let mut warnings = Vec::new();
    for (i, request) in list(admission.object(), &["spec", "requestedFreight"]).iter().enumerate() {
        if !flag(request, &["sources", "direct"]) && list(request, &["sources", "stages"]).is_empty() {
            warnings.push(format!("spec.requestedFreight[{i}].sources names no source, so only approved freight gets here"));
        }
    }
    admission.admitted.warnings.extend(warnings);
    Ok(())
}

pub(super) fn rules(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut origins: HashMap<String, usize> = HashMap::new();
    for (i, request) in list(object, &["spec", "requestedFreight"]).iter().enumerate() {
        let field = format!("spec.requestedFreight[{i}]");
        let origin = format!("{}/{}", text(request, &["origin", "kind"]), text(request, &["origin", "name"]));
        if let Some(first) = origins.insert(origin.clone(), i) {
            let message = format!("spec.requestedFreight[{first}] asks for {origin} already; put the sources together");
            causes.push(Cause::duplicate(format!("{field}.origin"), message));
        }
        let follows = text(request, &["sources", "autoPromotionOptions", "selectionPolicy"]) == "MatchUpstream";
        let direct = flag(request, &["sources", "direct"]);
        if follows && (direct || list(request, &["sources", "stages"]).len() != 1) {
            let message = "MatchUpstream follows one stage; name exactly one in sources.stages and take direct out";
            causes.push(Cause::invalid(format!("{field}.sources.autoPromotionOptions.selectionPolicy"), message));
        }
    }
    steps::variables(list(object, &["spec", "vars"]), "spec.vars", &mut causes);
    let template = ["spec", "promotionTemplate", "spec"];
    let vars = [&template[..], &["vars"]].concat();
    steps::variables(list(object, &vars), &vars.join("."), &mut causes);
    let path = [&template[..], &["steps"]].concat();
    steps::check(list(object, &path), &path.join("."), false, &mut causes);
    causes
}
