//! Reading a step's configuration: strict, and an error that names the field.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use seaway_runs::StepError;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads the evaluated configuration of `step`.
///
/// # Errors
/// `InvalidConfig`, failed and terminal, naming the field.
pub(crate) fn parse<T: DeserializeOwned>(step: &str, config: &Value) -> Result<T, StepError> {
    let config = if config.is_null() { &Value::Object(serde_json::Map::new()) } else { config };
    serde_path_to_error::deserialize(config).map_err(|err| {
        let (path, cause) = (err.path().to_string(), err.inner().to_string());
        let at = if path == "." { String::new() } else { format!("`{path}`: ") };
        invalid(step, &format!("{at}{cause}"))
    })
}

/// A configuration that is refused before anything is done.
pub(crate) fn invalid(step: &str, why: &str) -> StepError {
    StepError::failed("InvalidConfig", format!("{step}: invalid config: {why}; see docs/steps/{step}.md"))
}

/// The configuration's schema, every type written out in place.
pub(crate) fn schema<T: JsonSchema>() -> schemars::Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>()
}

/// Text that may not be empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("minLength" = 1))]
pub(crate) struct Text(String);

impl TryFrom<String> for Text {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text)) }
    }
}

/// Reads a text of which the empty one counts as absent, as Kargo's schemas have it.
pub(crate) fn or_absent<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Text>, D::Error> {
    let text: Option<String> = serde::Deserialize::deserialize(reader)?;
    Ok(text.filter(|text| !text.is_empty()).map(Text))
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path of the work folder as a user wrote it. Where it would leave the folder, the step fails when it is used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("minLength" = 1))]
pub(crate) struct Path(String);

impl TryFrom<String> for Path {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text)) }
    }
}

impl Path {
    /// The path, normalised.
    pub(crate) fn get(&self, step: &str) -> Result<seaway_base::RelPath, StepError> {
        seaway_base::RelPath::parse(&self.0).map_err(|err| {
            StepError::errored(
                "PathLeaves",
                seaway_base::Next::Failed,
                format!("{step}: {err}; paths are relative to the promotion's work folder"),
            )
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
