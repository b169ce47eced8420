//! From templates to a configuration: variables in their order of precedence, data fetched when an expression asks for it (Kargo reference §5.3, §7).

use seaway_base::Next;
use seaway_expr::{Budget, Need};
use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::ports::{DataAsk, Datum};
use crate::run::Run;
use crate::scope;
use crate::state::DataRecord;

/// How many data a step's expressions may ask for.
const NEEDS_MAX: usize = 100;

/// Why a template has no value.
#[derive(Debug)]
pub(crate) enum ResolveError {
    /// A datum could not be read.
    Data { next: Next, message: String },
    /// The expression is wrong.
    Expression(String),
}

/// What an `if` says.
#[derive(Debug)]
pub(crate) enum Condition {
    Known(bool),
    /// On what it depends; only in a plan.
    Unknown(String),
}

/// A datum at hand.
#[derive(Debug, Clone)]
pub(crate) enum Fetched {
    Value(Value),
    Secret(Map<String, Value>),
}

impl Engine {
    /// Is the step's `if` true?
    pub(crate) async fn condition(&self, run: &mut Run, index: usize, text: &str) -> Result<bool, ResolveError> {
        match self.condition_or_unknown(run, index, text).await? {
            Condition::Known(wanted) => Ok(wanted),
            Condition::Unknown(on) => {
                Err(ResolveError::Expression(format!("`if` of step `{}` is {on}", run.spec.steps[index].alias)))
            }
        }
    }

    pub(crate) async fn condition_or_unknown(&self, run: &mut Run, index: usize, text: &str) -> Result<Condition, ResolveError> {
        let alias = run.spec.steps[index].alias.clone();
        let json = Value::String(text.to_owned());
        let evaluated = self.evaluate(run, index, &json).await.map_err(|err| err.of(&format!("`if` of step `{alias}`")))?;
        if let Some((_, unknown)) = evaluated.unknowns.first() {
            return Ok(Condition::Unknown(unknown.reason.clone()));
        }
        match evaluated.json {
            Value::Bool(wanted) => Ok(Condition::Known(wanted)),
            other => {
                let shown = run.memory.masker.value(&other);
                Err(ResolveError::Expression(format!(
                    "`if` of step `{alias}` must be true or false, and is {shown}; write `${{{{ … }}}}` around the condition"
                )))
            }
        }
    }

    /// The step's configuration, evaluated.
    pub(crate) async fn config(&self, run: &mut Run, index: usize) -> Result<Value, ResolveError> {
        let (config, unknowns) = self.config_and_unknowns(run, index).await?;
        match unknowns.into_iter().next() {
            None => Ok(config),
            Some(unknown) => {
                Err(ResolveError::Expression(format!("configuration of step `{}` is {unknown}", run.spec.steps[index].alias)))
            }
        }
    }

    /// The configuration, and what in it is known only afterwards, with the place.
    pub(crate) async fn config_and_unknowns(&self, run: &mut Run, index: usize) -> Result<(Value, Vec<String>), ResolveError> {
        let (alias, config) = (run.spec.steps[index].alias.clone(), run.spec.steps[index].config.clone());
        let evaluated =
            self.evaluate(run, index, &config).await.map_err(|err| err.of(&format!("configuration of step `{alias}`")))?;
        let mut unknowns: Vec<String> = Vec::new();
        for (_, unknown) in &evaluated.unknowns {
            if !unknowns.contains(&unknown.reason) {
                unknowns.push(unknown.reason.clone());
            }
        }
        Ok((evaluated.json, unknowns))
    }

    /// Evaluates a template in the scope of a step; asks for data until nothing is missing.
    async fn evaluate(&self, run: &mut Run, index: usize, json: &Value) -> Result<seaway_expr::Evaluated, ResolveError> {
        let budget = Budget::default();
        for _ in 0..NEEDS_MAX {
            let result = scope::evaluate(run, index, json, &budget);
            match result {
                Ok(evaluated) => {
                    run.memory.masker.learn(evaluated.secrets.iter().cloned());
                    return Ok(evaluated);
                }
                Err((_, seaway_expr::Error::Needs(need))) => self.fetch(run, &need).await?,
                Err((place, err)) => {
                    let message = mask_fetched(run, &seaway_base::chain(&err));
                    return Err(ResolveError::Expression(if place.is_empty() { message } else { format!("{place}: {message}") }));
                }
            }
        }
        Err(ResolveError::Expression(format!("asks for more than {NEEDS_MAX} data")))
    }

    /// Fetches a datum, or takes it from the journal.
    async fn fetch(&self, run: &mut Run, need: &Need) -> Result<(), ResolveError> {
        let ask = DataAsk { function: need.function.clone(), arguments: need.args.iter().map(Value::to_string).collect() };
        let key = ask.key();
        if run.memory.data.contains_key(&key) {
            return Err(ResolveError::Expression(format!("{key} was fetched and is asked for again; this is a bug of Seaway")));
        }
        if let Some(DataRecord::Value(value)) = run.state.data.get(&key) {
            let value = value.clone();
            run.memory.data.insert(key, (ask, Fetched::Value(value)));
            return Ok(());
        }
        let datum = self
            .data
            .fetch(&run.facts.project, &ask)
            .await
            .map_err(|err| ResolveError::Data { next: err.next, message: format!("{key}: {err}") })?;
        match datum {
            Datum::Value(value) => {
                run.state.data.insert(key.clone(), DataRecord::Value(value.clone()));
                run.memory.data.insert(key, (ask, Fetched::Value(value)));
            }
            Datum::Secret { uid, resource_version, data } => {
                let (differs, changed) = match run.state.data.get(&key) {
                    None => (false, false),
                    Some(DataRecord::Value(_)) => (true, true),
                    Some(DataRecord::Secret { uid: was, resource_version: version, changed }) => {
                        let differs = (was, version) != (&uid, &resource_version);
                        (differs, *changed || differs)
                    }
                };
                let record = DataRecord::Secret { uid, resource_version, changed };
                if differs {
                    run.state.event(
                        self.clock().now(),
                        "SecretChanged",
                        "",
                        &format!("{key} is not what it was when the run began"),
                    );
                }
                run.state.data.insert(key.clone(), record);
                run.memory.data.insert(key, (ask, Fetched::Secret(data.reveal().clone())));
            }
        }
        Ok(())
    }
}

impl ResolveError {
    fn of(self, what: &str) -> Self {
        match self {
            Self::Data { next, message } => Self::Data { next, message: format!("{what}: {message}") },
            Self::Expression(message) => Self::Expression(format!("{what}: {message}")),
        }
    }
}

/// An error of an expression may quote a value that it read from a Secret.
fn mask_fetched(run: &Run, text: &str) -> String {
    let mut masker = run.memory.masker.clone();
    for (_, fetched) in run.memory.data.values() {
        if let Fetched::Secret(data) = fetched {
            masker.learn(data.values().filter_map(Value::as_str).map(ToOwned::to_owned));
        }
    }
    masker.text(text)
}
