//! Reading a step's configuration: strict, and an error that names the field.

use crate::error::Error;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use seaway_base::{Next, RelPath};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Reads an evaluated configuration; none is an empty one.
///
/// # Errors
/// [`Error::Config`], naming the field.
pub(crate) fn read<T: DeserializeOwned>(config: &Value) -> Result<T, Error> {
    let config = if config.is_null() { &Value::Object(Map::new()) } else { config };
    serde_path_to_error::deserialize(config).map_err(|err| {
        let (path, cause) = (err.path().to_string(), err.inner().to_string());
        let at = if path == "." { String::new() } else { format!("`{path}`: ") };
        Error::Config(format!("{at}{cause}"))
    })
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
#[serde(transparent)]
pub(crate) struct Path(Text);

impl Path {
    /// The path, normalised.
    pub(crate) fn get(&self) -> Result<RelPath, Error> {
        RelPath::parse(&self.0).map_err(|err| {
            let message = format!("{err}; paths are relative to the promotion's work folder");
            Error::errored("PathLeaves", Next::Failed, message)
        })
    }
}

impl std::ops::Deref for Path {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
