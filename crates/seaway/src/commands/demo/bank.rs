//! The bank's documents and repository, written for the addresses at hand.

use seaway_api::kargo::{Typed, Warehouse};
use std::time::Duration;

/// The project.
pub(super) const PROJECT: &str = "bank";
/// The warehouse.
pub(super) const WAREHOUSE: &str = "images";
/// Its origin key.
pub(super) const ORIGIN: &str = "Warehouse/images";
/// The stages, in order.
pub(super) const STAGES: [&str; 5] = ["qa", "e2e", "staging", "prod-eu", "prod-us"];

const DOCUMENTS: [(&str, &str); 4] = [
    ("examples/bank/project.yaml", include_str!("../../../../../examples/bank/project.yaml")),
    ("examples/bank/warehouse.yaml", include_str!("../../../../../examples/bank/warehouse.yaml")),
    ("examples/bank/task.yaml", include_str!("../../../../../examples/bank/task.yaml")),
    ("examples/bank/stages.yaml", include_str!("../../../../../examples/bank/stages.yaml")),
];

macro_rules! repository {
    ($($path:literal),* $(,)?) => {
        /// The files of `bank.git`.
        pub(super) const REPOSITORY: &[(&str, &[u8])] = &[
            $(($path, include_bytes!(concat!("../../../../../examples/bank/repository/", $path)))),*
        ];
    };
}

repository!(
    "README.md",
    "base/account-info.yaml",
    "base/fund-transfer.yaml",
    "base/kustomization.yaml",
    "overlays/e2e/kustomization.yaml",
    "overlays/prod-eu/kustomization.yaml",
    "overlays/prod-us/kustomization.yaml",
    "overlays/qa/kustomization.yaml",
    "overlays/staging/kustomization.yaml",
);

/// What the bank's warehouse takes of a service: `^1.0.0`.
pub(super) fn constraint(service: &str) -> Option<String> {
    let warehouse: Warehouse = serde_saphyr::from_str(DOCUMENTS[1].1).ok()?;
    let images = warehouse.spec.subscriptions.iter().filter_map(|subscription| match subscription.typed() {
        Some(Typed::Image(image)) => Some(image),
        _ => None,
    });
    let own = images.filter(|image| image.repo_url.rsplit('/').next() == Some(service));
    own.map(|image| image.constraint).find(|constraint| !constraint.is_empty())
}

/// The documents, with the demo's addresses, and with another soak where a shorter one is wanted.
pub(super) fn documents(git: &str, registry: &str, soak: Option<Duration>) -> Vec<(&'static str, String)> {
    let here = |text: &str| {
        let text = text.replace("127.0.0.1:7480", git).replace("127.0.0.1:7450", registry);
        match soak {
            Some(soak) => text.replace("requiredSoakTime: 1m0s", &format!("requiredSoakTime: {}s", soak.as_secs())),
            None => text,
        }
    };
    DOCUMENTS.iter().map(|(name, text)| (*name, here(text))).collect()
}
