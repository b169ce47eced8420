//! A warehouse's subscriptions: `{git|image|chart|<other>: {…}, name}`, kept as they were written, with typed views.

use super::enums::{CommitSelectionStrategy, ImageSelectionStrategy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One subscription, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subscription(pub Value);

/// A subscription by its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// A git repository.
    Git(GitSubscription),
    /// An image repository.
    Image(ImageSubscription),
    /// A chart repository.
    Chart(ChartSubscription),
    /// Something else.
    Other(OtherSubscription),
}

impl Subscription {
    /// The type's key and its body, if there is exactly one key beside `name`.
    pub fn entry(&self) -> Option<(&str, &Value)> {
        let mut entries = self.0.as_object()?.iter().filter(|(key, _)| *key != "name");
        match (entries.next(), entries.next()) {
            (Some((key, body)), None) => Some((key, body)),
            _ => None,
        }
    }

    /// The name, or nothing.
    pub fn name(&self) -> &str {
        self.0.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// The subscription by its type; `None` if it has no single type or its body cannot be read.
    pub fn typed(&self) -> Option<Typed> {
        let (key, body) = self.entry()?;
        Some(match key {
            "git" => Typed::Git(serde_json::from_value(body.clone()).ok()?),
            "image" => Typed::Image(serde_json::from_value(body.clone()).ok()?),
            "chart" => Typed::Chart(serde_json::from_value(body.clone()).ok()?),
            other => Typed::Other(OtherSubscription {
                subscription_type: other.to_owned(),
                name: self.name().to_owned(),
                config: body.clone(),
            }),
        })
    }

    fn of(key: &str, body: Result<Value, serde_json::Error>) -> Self {
        let mut map = Map::new();
        map.insert(key.to_owned(), body.unwrap_or(Value::Null));
        Self(Value::Object(map))
    }

    /// A subscription to a git repository.
    pub fn git(body: &GitSubscription) -> Self {
        Self::of("git", serde_json::to_value(body))
    }

    /// A subscription to an image repository.
    pub fn image(body: &ImageSubscription) -> Self {
        Self::of("image", serde_json::to_value(body))
    }

    /// A subscription to a chart repository.
    pub fn chart(body: &ChartSubscription) -> Self {
        Self::of("chart", serde_json::to_value(body))
    }

    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        if let Some(map) = self.0.as_object_mut() {
            map.insert("name".into(), Value::from(name));
        }
        self
    }
}

impl JsonSchema for Subscription {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Subscription".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
    }
}

/// How the address of a git repository is written: http(s), ssh, or `user@host:path`.
pub(super) const GIT_URL: &str = r"(?:^(ssh|https?)://(?:([\w-]+)(:(.+))?@)?([\w-]+(?:\.[\w-]+)*)(?::(\d{1,5}))?(/.*)$)|(?:^([\w-]+)@([\w+]+(?:\.[\w-]+)*):(/?.*))";

/// The repository types' bodies share this default.
pub const DISCOVERY_LIMIT: i64 = 20;

fn limit() -> i64 {
    DISCOVERY_LIMIT
}

fn yes() -> bool {
    true
}

/// A subscription to a git repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct GitSubscription {
    /// The repository.
    #[serde(rename = "repoURL", default)]
    #[schemars(extend("minLength" = 1), extend("pattern" = GIT_URL))]
    pub repo_url: String,
    /// How commits are chosen.
    #[serde(default)]
    #[schemars(extend("enum" = ["Lexical", "NewestFromBranch", "NewestTag", "SemVer"]), extend("x-default" = "NewestFromBranch"))]
    pub commit_selection_strategy: CommitSelectionStrategy,
    /// The branch; the remote's default if empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(extend("minLength" = 1), extend("maxLength" = 255), extend("pattern" = r"^[a-zA-Z0-9]([a-zA-Z0-9._\/-]*[a-zA-Z0-9_-])?$"))]
    pub branch: String,
    /// Whether tags must be whole semantic versions.
    #[serde(default = "yes")]
    #[schemars(extend("x-default" = true))]
    pub strict_semvers: bool,
    /// The range of versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub semver_constraint: String,
    /// Tags, one of which must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_tags_regexes: Vec<String>,
    /// Tags, none of which may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_tags_regexes: Vec<String>,
    /// The old form of `allowTagsRegexes`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub allow_tags: String,
    /// The old form of `ignoreTagsRegexes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_tags: Vec<String>,
    /// An expression commits or tags must satisfy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expression_filter: String,
    /// Paths, one of which must have changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include_paths: Vec<String>,
    /// Paths that do not count as changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude_paths: Vec<String>,
    /// How many are kept.
    #[serde(default = "limit")]
    #[schemars(extend("format" = "int32"), extend("minimum" = 1), extend("maximum" = 100), extend("x-default" = 20))]
    pub discovery_limit: i64,
    /// Commits before this instant do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub since: Option<String>,
    /// Whether the server's certificate is not checked.
    #[serde(rename = "insecureSkipTLSVerify", default, skip_serializing_if = "crate::is_default")]
    pub insecure_skip_tls_verify: bool,
    /// Whether the clone leaves the files' contents out.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub blobless: bool,
}

/// A subscription to an image repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct ImageSubscription {
    /// The repository, without a scheme.
    #[serde(rename = "repoURL", default)]
    #[schemars(extend("minLength" = 1), extend("pattern" = r"^(\w+([\.-]\w+)*(:[\d]+)?/)?(\w+([\.-]\w+)*)(/\w+([\.-]\w+)*)*$"))]
    pub repo_url: String,
    /// How images are chosen.
    #[serde(default)]
    #[schemars(extend("enum" = ["Digest", "Lexical", "NewestBuild", "SemVer"]), extend("x-default" = "SemVer"))]
    pub image_selection_strategy: ImageSelectionStrategy,
    /// Whether tags must be whole semantic versions.
    #[serde(default = "yes")]
    #[schemars(extend("x-default" = true))]
    pub strict_semvers: bool,
    /// The range of versions, or the one tag whose digest is followed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub constraint: String,
    /// Tags, one of which must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_tags_regexes: Vec<String>,
    /// Tags, none of which may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_tags_regexes: Vec<String>,
    /// The old form of `allowTagsRegexes`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub allow_tags: String,
    /// The old form of `ignoreTagsRegexes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore_tags: Vec<String>,
    /// The platform: `os/arch[/variant]`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Whether a tag's metadata may be kept.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub cache_by_tag: bool,
    /// How many are kept.
    #[serde(default = "limit")]
    #[schemars(extend("format" = "int32"), extend("minimum" = 1), extend("maximum" = 100), extend("x-default" = 20))]
    pub discovery_limit: i64,
    /// Whether the server's certificate is not checked.
    #[serde(rename = "insecureSkipTLSVerify", default, skip_serializing_if = "crate::is_default")]
    pub insecure_skip_tls_verify: bool,
}

/// A subscription to a chart repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-required" = ["repoURL"]))]
pub struct ChartSubscription {
    /// The repository: `http://`, `https://` or `oci://`.
    #[serde(rename = "repoURL", default)]
    #[schemars(extend("minLength" = 1), extend("pattern" = r"^(((https?)|(oci))://)([\w\d\.\-]+)(:[\d]+)?(/.*)*$"))]
    pub repo_url: String,
    /// The chart; empty for an OCI repository.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The range of versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub semver_constraint: String,
    /// How many are kept.
    #[serde(default = "limit")]
    #[schemars(extend("format" = "int32"), extend("minimum" = 1), extend("maximum" = 100), extend("x-default" = 20))]
    pub discovery_limit: i64,
    /// Whether the server's certificate is not checked.
    #[serde(rename = "insecureSkipTLSVerify", default, skip_serializing_if = "crate::is_default")]
    pub insecure_skip_tls_verify: bool,
}

/// A subscription of another type.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OtherSubscription {
    /// The type's key.
    pub subscription_type: String,
    /// The name.
    pub name: String,
    /// The body.
    pub config: Value,
}

impl Default for GitSubscription {
    fn default() -> Self {
        Self {
            repo_url: String::new(),
            commit_selection_strategy: CommitSelectionStrategy::default(),
            branch: String::new(),
            strict_semvers: true,
            semver_constraint: String::new(),
            allow_tags_regexes: Vec::new(),
            ignore_tags_regexes: Vec::new(),
            allow_tags: String::new(),
            ignore_tags: Vec::new(),
            expression_filter: String::new(),
            include_paths: Vec::new(),
            exclude_paths: Vec::new(),
            discovery_limit: DISCOVERY_LIMIT,
            since: None,
            insecure_skip_tls_verify: false,
            blobless: false,
        }
    }
}

impl Default for ImageSubscription {
    fn default() -> Self {
        Self {
            repo_url: String::new(),
            image_selection_strategy: ImageSelectionStrategy::default(),
            strict_semvers: true,
            constraint: String::new(),
            allow_tags_regexes: Vec::new(),
            ignore_tags_regexes: Vec::new(),
            allow_tags: String::new(),
            ignore_tags: Vec::new(),
            platform: String::new(),
            cache_by_tag: false,
            discovery_limit: DISCOVERY_LIMIT,
            insecure_skip_tls_verify: false,
        }
    }
}

impl Default for ChartSubscription {
    fn default() -> Self {
        Self {
            repo_url: String::new(),
            name: String::new(),
            semver_constraint: String::new(),
            discovery_limit: DISCOVERY_LIMIT,
            insecure_skip_tls_verify: false,
        }
    }
}

/// The schema of a subscription type's body, by its key; `None` for a type without one.
pub fn body_schema(key: &str) -> Option<Value> {
    match key {
        "git" => Some(crate::schema::of::<GitSubscription>()),
        "image" => Some(crate::schema::of::<ImageSubscription>()),
        "chart" => Some(crate::schema::of::<ChartSubscription>()),
        _ => None,
    }
}
