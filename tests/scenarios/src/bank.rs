//! The bank of the demo: its documents and its repository, written for the addresses at hand.

use std::time::Duration;

/// The project.
pub const PROJECT: &str = "bank";
/// The warehouse.
pub const WAREHOUSE: &str = "images";
/// Its origin, as statuses key freight by.
pub const ORIGIN: &str = "Warehouse/images";
/// The stages, in order.
pub const STAGES: [&str; 5] = ["qa", "e2e", "staging", "prod-eu", "prod-us"];

/// Name and text of each file of documents.
pub(crate) const DOCUMENTS: [(&str, &str); 4] = [
    ("examples/bank/project.yaml", include_str!("../../../examples/bank/project.yaml")),
    ("examples/bank/warehouse.yaml", include_str!("../../../examples/bank/warehouse.yaml")),
    ("examples/bank/task.yaml", include_str!("../../../examples/bank/task.yaml")),
    ("examples/bank/stages.yaml", include_str!("../../../examples/bank/stages.yaml")),
];

macro_rules! repository {
    ($($path:literal),* $(,)?) => {
        /// The files of `bank.git`.
        pub(crate) const REPOSITORY: &[(&str, &[u8])] = &[
            $(($path, include_bytes!(concat!("../../../examples/bank/repository/", $path)))),*
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

/// A text of documents with the addresses at hand in place of the demo's, and with another soak in place of its minute.
pub(crate) fn here(text: &str, git: &str, registry: &str, ear: &str, soak: Duration) -> String {
    text.replace("127.0.0.1:7480", git)
        .replace("127.0.0.1:7450", registry)
        .replace("127.0.0.1:7490", ear)
        .replace("requiredSoakTime: 1m0s", &format!("requiredSoakTime: {}s", soak.as_secs()))
}

/// The tag that a kustomization gives to a service.
pub(crate) fn tag_of(text: &str, service: &str) -> Option<String> {
    let document = seaway_render::yaml::read_all(text).ok()?.into_iter().next()?;
    let images = document.get("images")?.as_array()?;
    let image = images.iter().find(|image| image["name"].as_str().is_some_and(|name| name.ends_with(&format!("/{service}"))))?;
    image["newTag"].as_str().map(str::to_owned)
}
