//! The table of steps: a line each.

use crate::typed::step;
use seaway_core::unbuilt::KNOWN_STEPS;
use seaway_runs::{Lookup, Step, StepTable};
use std::sync::{Arc, LazyLock};

/// Every step that is built, by the name users write after `uses:`.
static BUILT: LazyLock<Vec<Arc<dyn Step>>> = LazyLock::new(|| {
    vec![
        step::<crate::compose_output::ComposeOutput>(),
        step::<crate::copy::Copy>(),
        step::<crate::delete::Delete>(),
        step::<crate::fail::Fail>(),
        step::<crate::git_clear::GitClear>(),
        step::<crate::git_clone::GitClone>(),
        step::<crate::git_commit::GitCommit>(),
        step::<crate::git_push::GitPush>(),
        step::<crate::http::Http>(),
        step::<crate::kustomize_build::KustomizeBuild>(),
        step::<crate::kustomize_set_image::KustomizeSetImage>(),
        step::<crate::yaml_update::YamlUpdate>(),
    ]
});

/// Steps that Kargo has and we do not have yet: blocked, not failed.
pub fn not_built() -> impl Iterator<Item = &'static str> {
    KNOWN_STEPS.into_iter().filter(|name| find(name).is_none())
}

/// All steps, by name.
pub fn all() -> &'static [Arc<dyn Step>] {
    &BUILT
}

/// The step of that name.
pub fn find(name: &str) -> Option<&'static Arc<dyn Step>> {
    BUILT.iter().find(|step| step.name() == name)
}

/// The table, as runs are given it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Table;

impl StepTable for Table {
    fn get(&self, name: &str) -> Lookup {
        match find(name) {
            Some(step) => Lookup::Step(Arc::clone(step)),
            None if KNOWN_STEPS.contains(&name) => Lookup::NotBuilt,
            None => Lookup::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_once_by_name_with_a_page_and_a_schema() {
        let names: Vec<&str> = all().iter().map(|step| step.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for step in all() {
            assert!(step.page().contains(&format!("uses: {}", step.name())), "{} has no example", step.name());
            assert_eq!(step.schema().get("type").and_then(|kind| kind.as_str()), Some("object"), "{}", step.name());
            assert!(KNOWN_STEPS.contains(&step.name()), "{} is no step of Kargo's", step.name());
        }
    }
}
