//! What the file of a step holds, and the one adapter that makes a step of it: configuration read and checked, errors named.

use crate::config;
use crate::error::Error;
use async_trait::async_trait;
use schemars::JsonSchema;
use seaway_runs::{Answer, Class, Description, Done, Step, StepContext, StepError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::marker::PhantomData;
use std::sync::Arc;

/// A step, with its configuration already read.
pub(crate) trait TypedStep: Send + Sync + 'static {
    /// The name users write after `uses:`.
    const NAME: &'static str;

    /// The user's page: what it does, with an example (Markdown).
    const PAGE: &'static str;

    /// What may happen to it (docs/runs.md). Where the configuration decides: what holds for one that cannot be read.
    const CLASS: Class;

    /// Does it publish its output as the task's own too?
    const PUBLISHES_TASK_OUTPUT: bool = false;

    /// The configuration, a field a line, each with what users read about it.
    type Config: DeserializeOwned + JsonSchema + Send;

    /// Refuses what the types let through: fields that exclude each other, what is not built yet.
    fn check(_: &Self::Config) -> Result<(), Error> {
        Ok(())
    }

    /// The class of this configuration, where it decides.
    fn class(_: &Self::Config) -> Class {
        Self::CLASS
    }

    /// Does it. Only a checked configuration gets here.
    fn run(cx: &mut StepContext<'_>, config: Self::Config) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// What an effect or a wait would do; local and recorded steps run instead. The arguments are the whole configuration, unless it
    /// names others.
    fn describe(_: &mut StepContext<'_>, _: Self::Config) -> impl Future<Output = Result<Description, Error>> + Send {
        async { Ok(Description::default()) }
    }
}

/// The step, as the table and runs know it.
pub(crate) fn step<S: TypedStep>() -> Arc<dyn Step> {
    Arc::new(Typed::<S>(PhantomData))
}

/// Success with this output.
pub(crate) fn done<const N: usize>(output: [(&str, Value); N]) -> Answer {
    Answer::Done(Done::with(object(output)))
}

/// An object of these fields.
pub(crate) fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

struct Typed<S>(PhantomData<S>);

impl<S: TypedStep> Typed<S> {
    fn read(config: &Value) -> Result<S::Config, StepError> {
        let read = config::read(config).and_then(|read| S::check(&read).map(|()| read));
        read.map_err(|err| err.of(S::NAME))
    }
}

#[async_trait]
impl<S: TypedStep> Step for Typed<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn page(&self) -> &'static str {
        S::PAGE
    }

    fn schema(&self) -> schemars::Schema {
        config::schema::<S::Config>()
    }

    fn check(&self, config: &Value) -> Result<(), StepError> {
        Self::read(config).map(drop)
    }

    fn class(&self, config: &Value) -> Class {
        Self::read(config).map_or(S::CLASS, |config| S::class(&config))
    }

    fn publishes_task_output(&self) -> bool {
        S::PUBLISHES_TASK_OUTPUT
    }

    async fn run(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Answer, StepError> {
        S::run(cx, Self::read(config)?).await.map_err(|err| err.of(S::NAME))
    }

    async fn describe(&self, cx: &mut StepContext<'_>, config: &Value) -> Result<Description, StepError> {
        let mut description = S::describe(cx, Self::read(config)?).await.map_err(|err| err.of(S::NAME))?;
        if description.arguments.is_empty() {
            description.arguments = config.as_object().cloned().unwrap_or_default();
        }
        Ok(description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Config {
        path: config::Path,
    }

    struct Probe;

    impl TypedStep for Probe {
        const NAME: &'static str = "probe";
        const PAGE: &'static str = "";
        const CLASS: Class = Class::Wait;
        type Config = Config;

        fn check(config: &Config) -> Result<(), Error> {
            config.path.get().map(drop)
        }

        fn class(_: &Config) -> Class {
            Class::Local
        }

        async fn run(_: &mut StepContext<'_>, _: Config) -> Result<Answer, Error> {
            Ok(done([]))
        }
    }

    #[track_caller]
    fn check(config: Value, expect: &str) {
        let answer = step::<Probe>().check(&config).map_or_else(|err| err.message, |()| "fine".to_owned());
        assert_eq!(answer, expect, "{config}");
    }

    #[test]
    fn an_error_begins_with_the_steps_name() {
        check(json!({ "path": "a" }), "fine");
        check(json!(null), "probe: invalid config: missing field `path`; see docs/steps/probe.md");
        check(json!({ "path": "" }), "probe: invalid config: `path`: must not be empty; see docs/steps/probe.md");
        check(
            json!({ "path": "../a" }),
            "probe: path `../a` leaves the work folder; paths are relative to the promotion's work folder",
        );
    }

    #[test]
    fn a_configuration_that_cannot_be_read_has_the_careful_class() {
        let step = step::<Probe>();
        assert_eq!(step.class(&json!({ "path": "a" })), Class::Local);
        assert_eq!(step.class(&json!({ "pat": "a" })), Class::Wait);
    }
}
