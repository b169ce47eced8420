//! Conditions: why an object is as it is. Setting one that says nothing new leaves its time alone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The condition types Kargo uses.
pub mod types {
    /// All is well.
    pub const READY: &str = "Ready";
    /// Work is under way.
    pub const RECONCILING: &str = "Reconciling";
    /// Nothing goes on until somebody acts.
    pub const STALLED: &str = "Stalled";
    /// The thing fares well.
    pub const HEALTHY: &str = "Healthy";
    /// A promotion runs.
    pub const PROMOTING: &str = "Promoting";
    /// What is there was verified.
    pub const VERIFIED: &str = "Verified";
    /// The criteria for making freight hold.
    pub const FREIGHT_CREATION_CRITERIA_SATISFIED: &str = "FreightCreationCriteriaSatisfied";
    /// Freight was made.
    pub const FREIGHT_CREATED: &str = "FreightCreated";
    /// Ours: a part that is not built, or a setting, stands in the way.
    pub const BLOCKED: &str = "Blocked";
}

words! {
    /// What a condition says.
    pub enum Status {
        /// It holds.
        True = "True",
        /// It does not hold.
        False = "False",
        /// It cannot be said.
        Unknown = "Unknown",
    }
}

#[expect(clippy::derivable_impls, reason = "a derive cannot sit inside the macro that makes the enum")]
impl Default for Status {
    fn default() -> Self {
        Self::Unknown
    }
}

impl From<bool> for Status {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// One condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase")]
#[schemars(extend("x-required" = ["lastTransitionTime", "message", "reason", "status", "type"]))]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    #[schemars(extend("maxLength" = 316))]
    #[schemars(extend("pattern" = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"))]
    pub type_: String,
    /// What it says.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    pub status: Status,
    /// The generation it was seen at; absent when none was recorded, never a made-up zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minimum" = 0))]
    pub observed_generation: Option<i64>,
    /// When the status last changed.
    pub last_transition_time: Option<Time>,
    /// Why, in one word.
    #[schemars(extend("minLength" = 1), extend("maxLength" = 1024))]
    #[schemars(extend("pattern" = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"))]
    pub reason: String,
    /// Why, in a sentence.
    #[schemars(extend("maxLength" = 32768))]
    pub message: String,
}

impl Condition {
    /// A condition without times, to be handed to [`set`].
    pub fn new(type_: &str, status: impl Into<Status>, reason: &str, message: impl Into<String>) -> Self {
        Self {
            type_: type_.into(),
            status: status.into(),
            observed_generation: None,
            last_transition_time: None,
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// The same, seen at that generation.
    #[must_use]
    pub fn at(mut self, generation: Option<i64>) -> Self {
        self.observed_generation = generation;
        self
    }

    /// Whether it holds.
    pub fn is_true(&self) -> bool {
        self.status == Status::True
    }
}

/// The condition of that type.
pub fn get<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

/// Whether the condition of that type is there and holds.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    get(conditions, type_).is_some_and(Condition::is_true)
}

/// Puts a condition in the place of the one of its type. The transition time moves only with the status.
/// Says whether anything changed.
pub fn set(conditions: &mut Vec<Condition>, mut new: Condition, now: jiff::Timestamp) -> bool {
    let now = Time(jiff::Timestamp::from_second(now.as_second()).unwrap_or(now));
    match conditions.iter_mut().find(|c| c.type_ == new.type_) {
        Some(old) => {
            new.last_transition_time =
                if old.status == new.status { old.last_transition_time.clone().or(Some(now)) } else { Some(now) };
            let changed = *old != new;
            *old = new;
            changed
        }
        None => {
            new.last_transition_time = Some(now);
            conditions.push(new);
            true
        }
    }
}

/// Removes the condition of that type. Says whether it was there.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) -> bool {
    let before = conditions.len();
    conditions.retain(|c| c.type_ != type_);
    conditions.len() != before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let at = |s: &str| s.parse::<jiff::Timestamp>().unwrap();
        let mut all = Vec::new();
        assert!(set(&mut all, Condition::new("Ready", false, "Waiting", "waits"), at("2026-01-01T00:00:00.5Z")));
        assert!(!set(&mut all, Condition::new("Ready", false, "Waiting", "waits"), at("2026-01-01T00:01:00Z")));
        assert!(set(&mut all, Condition::new("Ready", false, "Waiting", "waits still"), at("2026-01-01T00:02:00Z")));
        assert_eq!(all[0].last_transition_time, Some(Time(at("2026-01-01T00:00:00Z"))));
        assert!(set(&mut all, Condition::new("Ready", true, "Done", ""), at("2026-01-01T00:03:00Z")));
        assert_eq!(all[0].last_transition_time, Some(Time(at("2026-01-01T00:03:00Z"))));
        assert!(is_true(&all, "Ready") && remove(&mut all, "Ready") && !remove(&mut all, "Ready"));
    }
}
