//! The table of kinds: one line each. CRDs, discovery, printing and validation all come from it.

use crate::kargo::{
    ArtifactReference, Chart, ClusterConfigSpec, ClusterConfigStatus, FreightOrigin, FreightStatus, GitCommit, Image,
    ProjectConfigSpec, ProjectConfigStatus, ProjectStatus, PromotionSpec, PromotionStatus, PromotionTaskSpec, StageSpec,
    StageStatus, WarehouseSpec, WarehouseStatus,
};
use crate::schema::{object, of};
use crate::seaway::{PlanSpec, PlanStatus, PromotionRunSpec, PromotionRunStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A column of `kubectl get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub name: &'static str,
    /// The type: `string`, `date`, `boolean`, `integer`.
    pub type_: &'static str,
    /// Where the value is, as a JSONPath that begins with a dot.
    pub json_path: &'static str,
}

/// All that is to be known of a kind.
#[derive(Debug, Clone)]
pub struct KindInfo {
    /// The group.
    pub group: &'static str,
    /// The version.
    pub version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The plural, as in addresses.
    pub plural: &'static str,
    /// The singular.
    pub singular: String,
    /// Short names.
    pub short_names: &'static [&'static str],
    /// Whether it lives in a namespace.
    pub namespaced: bool,
    /// Whether the status is written on its own.
    pub status: bool,
    /// Columns, beside the name.
    pub columns: Vec<Column>,
    /// Categories, such as `seaway`.
    pub categories: &'static [&'static str],
    /// The structural schema.
    pub schema: Value,
}

impl KindInfo {
    /// The group and version as an object writes them.
    pub fn api_version(&self) -> String {
        format!("{}/{}", self.group, self.version)
    }

    /// The name of the CRD: `<plural>.<group>`.
    pub fn crd_name(&self) -> String {
        format!("{}.{}", self.plural, self.group)
    }
}

const fn column(name: &'static str, type_: &'static str, json_path: &'static str) -> Column {
    Column { name, type_, json_path }
}

const AGE: Column = column("Age", "date", ".metadata.creationTimestamp");
const READY: Column = column("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#);
const STATUS: Column = column("Status", "string", r#".status.conditions[?(@.type=="Ready")].message"#);
const SHARD: Column = column("Shard", "string", ".spec.shard");
const SHARD_LABEL: Column = column("Shard", "string", r".metadata.labels.kargo\.akuity\.io/shard");

type Parts = Vec<(&'static str, Value)>;

struct Row {
    group: (&'static str, &'static str),
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    short_names: &'static [&'static str],
    columns: Vec<Column>,
    parts: Parts,
    required: &'static [&'static str],
    description: &'static str,
}

const KARGO: (&str, &str) = (crate::kargo::GROUP, crate::kargo::VERSION);
const OURS: (&str, &str) = (crate::seaway::GROUP, crate::seaway::VERSION);

fn freight_parts() -> Parts {
    vec![
        ("alias", of::<String>()),
        ("discoveredAt", of::<Option<Time>>()),
        ("origin", of::<FreightOrigin>()),
        ("commits", of::<Vec<GitCommit>>()),
        ("images", of::<Vec<Image>>()),
        ("charts", of::<Vec<Chart>>()),
        ("artifacts", of::<Vec<ArtifactReference>>()),
        ("status", of::<FreightStatus>()),
    ]
}

fn freight_columns() -> Vec<Column> {
    vec![
        column("Alias", "string", r".metadata.labels.kargo\.akuity\.io/alias"),
        column("Origin (Kind)", "string", ".origin.kind"),
        column("Origin (Name)", "string", ".origin.name"),
        AGE,
    ]
}

fn stage_columns() -> Vec<Column> {
    vec![
        SHARD,
        column("Current Freight", "string", ".status.freightSummary"),
        column("Health", "string", ".status.health.status"),
        READY,
        STATUS,
        AGE,
    ]
}

fn promotion_columns() -> Vec<Column> {
    vec![
        SHARD_LABEL,
        column("Stage", "string", ".spec.stage"),
        column("Freight", "string", ".spec.freight"),
        column("Phase", "string", ".status.phase"),
        AGE,
    ]
}

fn run_columns() -> Vec<Column> {
    vec![
        column("Phase", "string", ".status.phase"),
        column("Waiting", "string", ".status.waits[0].for"),
        column("Message", "string", ".status.message"),
        AGE,
    ]
}

fn plan_columns() -> Vec<Column> {
    vec![
        column("Stage", "string", ".spec.stage"),
        column("Freight", "string", ".spec.freight"),
        column("Phase", "string", ".status.phase"),
        column("Changed", "boolean", ".status.changed"),
        column("Can Start", "boolean", ".status.canStart.allowed"),
        AGE,
    ]
}

fn both<S: schemars::JsonSchema, T: schemars::JsonSchema>() -> Parts {
    vec![("spec", of::<S>()), ("status", of::<T>())]
}

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    let row = |group, kind, plural, namespaced, short_names, columns, parts, required, description| Row { group, kind, plural, namespaced, short_names, columns, parts, required, description };
    vec![
        row(KARGO, "Project", "projects", false, &[], vec![READY, STATUS, AGE], vec![("status", of::<ProjectStatus>())], &[], "A tenant; its namespace bears its name."),
        row(KARGO, "ProjectConfig", "projectconfigs", true, &[], vec![READY, STATUS, AGE], both::<ProjectConfigSpec, ProjectConfigStatus>(), &[], "How promotions go in a project."),
        row(KARGO, "ClusterConfig", "clusterconfigs", false, &["clusterconfig", "clusterconfigs"], vec![READY, STATUS, AGE], both::<ClusterConfigSpec, ClusterConfigStatus>(), &[], "Settings for the whole installation."),
        row(KARGO, "Warehouse", "warehouses", true, &[], vec![SHARD, AGE], both::<WarehouseSpec, WarehouseStatus>(), &["spec"], "Looks for new artifacts and makes freight of them."),
        row(KARGO, "Freight", "freights", true, &[], freight_columns(), freight_parts(), &["origin"], "Artifacts that move together."),
        row(KARGO, "Stage", "stages", true, &[], stage_columns(), both::<StageSpec, StageStatus>(), &["spec"], "A place that freight is promoted to."),
        row(KARGO, "Promotion", "promotions", true, &["promo", "promos"], promotion_columns(), both::<PromotionSpec, PromotionStatus>(), &["spec"], "One piece of freight moved into one stage."),
        row(KARGO, "PromotionTask", "promotiontasks", true, &["promotask", "promotasks"], vec![AGE], vec![("spec", of::<PromotionTaskSpec>())], &["spec"], "Steps that the stages of a project share."),
        row(KARGO, "ClusterPromotionTask", "clusterpromotiontasks", false, &["clusterpromotask", "clusterpromotasks"], vec![AGE], vec![("spec", of::<PromotionTaskSpec>())], &["spec"], "Steps that the stages of all projects share."),
        row(OURS, "PromotionRun", "promotionruns", true, &["run", "runs"], run_columns(), both::<PromotionRunSpec, PromotionRunStatus>(), &["spec"], "How a promotion is carried out: journal, digest, waits."),
        row(OURS, "Plan", "plans", true, &[], plan_columns(), both::<PlanSpec, PlanStatus>(), &["spec"], "What a promotion would do."),
    ]
}

static KINDS: LazyLock<Vec<KindInfo>> = LazyLock::new(|| {
    rows()
        .into_iter()
        .map(|row| KindInfo {
            group: row.group.0,
            version: row.group.1,
            kind: row.kind,
            plural: row.plural,
            singular: row.kind.to_ascii_lowercase(),
            short_names: row.short_names,
            namespaced: row.namespaced,
            status: row.parts.iter().any(|(name, _)| *name == "status"),
            columns: row.columns,
            categories: if row.group == OURS { &["seaway"] } else { &[] },
            schema: object(row.description, row.parts, row.required),
        })
        .collect()
});

/// Every kind we define, in the order of the table.
pub fn kinds() -> &'static [KindInfo] {
    &KINDS
}

/// The kind of that name; the names are unique over both groups.
pub fn kind(name: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|info| info.kind == name)
}

/// The CustomResourceDefinitions of all kinds.
pub fn crds() -> Vec<Value> {
    kinds().iter().map(crd).collect()
}

/// The CRDs with the file each belongs in.
pub fn crd_documents() -> Vec<(String, Value)> {
    kinds().iter().map(|info| (format!("{}_{}.yaml", info.group, info.plural), crd(info))).collect()
}

fn crd(info: &KindInfo) -> Value {
    let columns: Vec<Value> =
        info.columns.iter().map(|c| json!({ "name": c.name, "type": c.type_, "jsonPath": c.json_path })).collect();
    let mut names = json!({
        "kind": info.kind, "listKind": format!("{}List", info.kind), "plural": info.plural, "singular": info.singular,
    });
    if !info.short_names.is_empty() {
        names["shortNames"] = json!(info.short_names);
    }
    if !info.categories.is_empty() {
        names["categories"] = json!(info.categories);
    }
    let subresources = if info.status { json!({ "status": {} }) } else { json!({}) };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": info.crd_name() },
        "spec": {
            "group": info.group,
            "names": names,
            "scope": if info.namespaced { "Namespaced" } else { "Cluster" },
            "versions": [{
                "name": info.version,
                "served": true,
                "storage": true,
                "schema": { "openAPIV3Schema": info.schema },
                "subresources": subresources,
                "additionalPrinterColumns": columns,
            }],
        },
    })
}
