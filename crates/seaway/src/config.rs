//! Settings: one file, the environment, flags; each knows where it came from.

mod settings;

pub(crate) use settings::{SETTINGS, Setting, Shape};

use crate::data::{self, DataError};
use seaway_base::http::Cidr;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where a setting came from; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The file, at this path.
    File(PathBuf),
    /// This variable.
    Environment(&'static str),
    /// This flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("read `{}`", path.display())]
    Read {
        path: PathBuf,
        #[source]
        err: std::io::Error,
    },
    #[error("{}:{line}: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("{}: `{name}` is no setting{}", path.display(), if near.is_empty() { String::new() } else { format!("; did you mean `{near}`?") })]
    Unknown { path: PathBuf, name: String, near: String },
    #[error("{origin}: `{name}`: {why}")]
    Value { origin: Origin, name: &'static str, why: String },
    #[error(
        "listen on {listen} without `externalURL`: others must be told how to reach it; set --external-url https://NAME:PORT, or listen on 127.0.0.1"
    )]
    NoExternalUrl { listen: String },
    #[error("`tls.certificate` and `tls.key` go together")]
    HalfTls,
}

/// The settings, each with its origin.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    values: BTreeMap<&'static str, (Value, Origin)>,
}

impl Config {
    /// Reads `file` (or `$SEAWAY_CONFIG`), then the environment, then the flags.
    ///
    /// # Errors
    /// [`ConfigError`] naming the setting and where it was set.
    pub(crate) fn load(
        file: Option<&Path>,
        flags: &BTreeMap<&'static str, Value>,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let named = file.map(Path::to_owned).or_else(|| env("SEAWAY_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
        let mut from_file = BTreeMap::new();
        if let Some(path) = &named {
            let text = std::fs::read_to_string(path).map_err(|err| ConfigError::Read { path: path.clone(), err })?;
            let root: Value = serde_saphyr::from_str(&text).map_err(|err| ConfigError::Syntax {
                path: path.clone(),
                line: err.location().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0)),
                message: err.without_snippet().to_string(),
            })?;
            flatten("", &root, path, &mut from_file)?;
        }
        let mut values = BTreeMap::new();
        for setting in SETTINGS {
            let default: Value = serde_json::from_str(setting.default).unwrap_or(Value::Null);
            let mut chosen = (default, Origin::Default);
            if let (Some(value), Some(path)) = (from_file.remove(setting.name), &named) {
                chosen = (value, Origin::File(path.clone()));
            }
            if let Some(text) = env(setting.variable).filter(|text| !text.is_empty()) {
                chosen = (text_value(setting, &text), Origin::Environment(setting.variable));
            }
            if let (Some(flag), Some(value)) = (setting.flag, flags.get(setting.name)) {
                chosen = (value.clone(), Origin::Flag(flag));
            }
            check(setting, &chosen.0).and_then(|()| sensible(setting, &chosen.0)).map_err(|why| ConfigError::Value {
                origin: chosen.1.clone(),
                name: setting.name,
                why,
            })?;
            values.insert(setting.name, chosen);
        }
        if values["tls.certificate"].0.is_null() != values["tls.key"].0.is_null() {
            return Err(ConfigError::HalfTls);
        }
        Ok(Self { values })
    }

    /// Every setting: name, value as people read it, origin.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String, String)> {
        let rows = SETTINGS.iter().map(|setting| {
            let (value, origin) = &self.values[setting.name];
            let derived = self.derived(setting.name).filter(|_| value.is_null());
            let shown = match derived.as_ref().unwrap_or(value) {
                Value::Null => "none".to_owned(),
                Value::String(text) => text.clone(),
                Value::Array(items) if items.is_empty() => "none".to_owned(),
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
                other => other.to_string(),
            };
            (setting.name, shown, origin.to_string())
        });
        rows.collect()
    }

    /// The data folder: the one that is set, else `default` at home.
    ///
    /// # Errors
    /// None is set, and there is no home.
    pub(crate) fn data(&self) -> Result<PathBuf, DataError> {
        match self.text("data") {
            Some(path) => Ok(PathBuf::from(path)),
            None => Ok(data::home()?.join("default")),
        }
    }

    /// What a setting that nobody set comes to, where that follows from others.
    fn derived(&self, name: &str) -> Option<Value> {
        let text = match name {
            "data" => self.data().ok()?.display().to_string(),
            "keyFile" => self.data().ok()?.join("key").display().to_string(),
            "externalURL" => {
                self.external_url(self.text("listen")?.parse().ok().filter(|at: &SocketAddr| at.port() != 0)?).ok()?
            }
            _ => return None,
        };
        Some(json!(text))
    }

    /// A text, if it is set.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|(value, _)| value.as_str())
    }

    /// A list; empty if it is not set.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let items = self.values.get(name).and_then(|(value, _)| value.as_array());
        items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    }

    /// A switch.
    pub(crate) fn truth(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|(value, _)| value.as_bool() == Some(true))
    }

    /// A count.
    pub(crate) fn whole(&self, name: &str) -> usize {
        self.values.get(name).and_then(|(value, _)| value.as_u64()).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// A duration.
    pub(crate) fn duration(&self, name: &str) -> Duration {
        self.text(name).map_or_else(Default::default, |text| seaway_api::GoDuration::from(text).or_zero())
    }

    /// The URL for others: `externalURL`, else the address itself where it is loopback.
    ///
    /// # Errors
    /// [`ConfigError::NoExternalUrl`] where it is not.
    pub(crate) fn external_url(&self, bound: SocketAddr) -> Result<String, ConfigError> {
        match self.text("externalURL") {
            Some(url) => Ok(url.trim_end_matches('/').to_owned()),
            None if bound.ip().is_loopback() => Ok(format!("https://{bound}")),
            None => Err(ConfigError::NoExternalUrl { listen: bound.to_string() }),
        }
    }
}

/// `log: {level: debug}` becomes `log.level`; a name that is no setting is an error.
fn flatten(prefix: &str, value: &Value, path: &Path, into: &mut BTreeMap<String, Value>) -> Result<(), ConfigError> {
    let Value::Object(map) = value else {
        return Err(ConfigError::Syntax { path: path.to_owned(), line: 1, message: "settings are a map".to_owned() });
    };
    for (key, value) in map {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if SETTINGS.iter().any(|setting| setting.name == name) {
            into.insert(name, value.clone());
        } else if SETTINGS.iter().any(|setting| setting.name.starts_with(&format!("{name}."))) {
            flatten(&name, value, path, into)?;
        } else {
            let near = SETTINGS
                .iter()
                .map(|setting| setting.name)
                .find(|known| known.eq_ignore_ascii_case(&name) || known.ends_with(&format!(".{key}")));
            return Err(ConfigError::Unknown { path: path.to_owned(), name, near: near.unwrap_or_default().to_owned() });
        }
    }
    Ok(())
}

fn text_value(setting: &Setting, text: &str) -> Value {
    match setting.shape {
        Shape::List => json!(text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>()),
        Shape::Whole => text.parse::<u64>().map_or_else(|_| json!(text), |n| json!(n)),
        Shape::Truth => text.parse::<bool>().map_or_else(|_| json!(text), |b| json!(b)),
        Shape::Text | Shape::Duration | Shape::OneOf(_) => json!(text),
    }
}

fn check(setting: &Setting, value: &Value) -> Result<(), String> {
    let fits = match (setting.shape, value) {
        (_, Value::Null) => setting.default == "null",
        (Shape::Text, Value::String(_)) | (Shape::Truth, Value::Bool(_)) => true,
        (Shape::Whole, value) => value.is_u64(),
        (Shape::List, Value::Array(items)) => items.iter().all(Value::is_string),
        (Shape::Duration, Value::String(text)) => seaway_api::GoDuration::from(text.as_str()).get().is_some(),
        (Shape::OneOf(words), Value::String(text)) => words.contains(&text.as_str()),
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let wanted = match setting.shape {
        Shape::Text => "a text".to_owned(),
        Shape::Whole => "a whole number".to_owned(),
        Shape::Truth => "true or false".to_owned(),
        Shape::List => "a list of texts".to_owned(),
        Shape::Duration => "a duration such as 90s or 24h".to_owned(),
        Shape::OneOf(words) => format!("one of {}", words.join(", ")),
    };
    Err(format!("must be {wanted}, and is {value}"))
}

/// A lifetime that nothing could be made for, or an address that is none.
fn sensible(setting: &Setting, value: &Value) -> Result<(), String> {
    let within = |min: Duration, max: Duration, words: &str| {
        let given = seaway_api::GoDuration::from(value.as_str().unwrap_or_default()).or_zero();
        if (min..=max).contains(&given) { Ok(()) } else { Err(format!("must be {words}, and is {value}")) }
    };
    let minute = Duration::from_secs(60);
    match setting.name {
        "tls.lifetime" => within(seaway_server::tls::LIFETIME_MIN, Duration::MAX, "2s or more")
            .map_err(|why| format!("{why}; leave it out for 720h")),
        "sessions.idle" => within(minute, Duration::MAX, "1m or more"),
        "sessions.max" => within(minute, 30 * 24 * 60 * minute, "from 1m to 720h"),
        "trustedProxies" => {
            let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            match texts.into_iter().find(|text| Cidr::parse(text).is_none()) {
                Some(text) => Err(format!("`{text}` is neither an address nor a CIDR such as 10.0.0.0/8")),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The settings as JSON, for `seaway config -o json`.
pub(crate) fn as_json(config: &Config) -> Value {
    let entries = SETTINGS.iter().map(|setting| {
        let (value, origin) = &config.values[setting.name];
        let derived = config.derived(setting.name).filter(|_| value.is_null());
        (setting.name.to_owned(), json!({ "value": derived.as_ref().unwrap_or(value), "origin": origin.to_string() }))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("seaway.yaml");
        std::fs::write(&file, "listen: 127.0.0.1:1\nlog:\n  level: debug\n  format: json\n").unwrap();
        let env = |name: &str| match name {
            "SEAWAY_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "SEAWAY_LOG_LEVEL" => Some("warn".to_owned()),
            _ => None,
        };
        let config = Config::load(Some(&file), &BTreeMap::from([("listen", json!("127.0.0.1:3"))]), env).unwrap();
        assert_eq!(config.text("listen"), Some("127.0.0.1:3"));
        assert_eq!(config.text("log.level"), Some("warn"));
        assert_eq!(config.text("log.format"), Some("json"));
        let origins: BTreeMap<_, _> = config.rows().into_iter().map(|(name, _, origin)| (name, origin)).collect();
        assert_eq!(origins["listen"], "--listen");
        assert_eq!(origins["log.level"], "$SEAWAY_LOG_LEVEL");
        assert_eq!(origins["log.format"], file.display().to_string());
        assert_eq!(origins["git.name"], "default");
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("seaway.yaml");
        std::fs::write(&file, text).unwrap();
        let err = Config::load(Some(&file), &BTreeMap::new(), |_| None).unwrap_err().to_string();
        assert_eq!(err.replace(&file.display().to_string(), "FILE"), expected);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        refused("lisen: x\n", "FILE: `lisen` is no setting");
        refused("level: x\n", "FILE: `level` is no setting; did you mean `log.level`?");
        refused("log: {level: loud}\n", "FILE: `log.level`: must be one of error, warn, info, debug, trace, and is \"loud\"");
        refused("retention: {promotions: many}\n", "FILE: `retention.promotions`: must be a whole number, and is \"many\"");
        let short = "FILE: `tls.lifetime`: must be 2s or more, and is \"0s\"; leave it out for 720h";
        refused("tls: {lifetime: 0s}\n", short);
        refused("sessions: {idle: 59s}\n", "FILE: `sessions.idle`: must be 1m or more, and is \"59s\"");
        refused("sessions: {max: 721h}\n", "FILE: `sessions.max`: must be from 1m to 720h, and is \"721h\"");
        let proxy = "FILE: `trustedProxies`: `proxy.local` is neither an address nor a CIDR such as 10.0.0.0/8";
        refused("trustedProxies: [10.0.0.0/8, proxy.local]\n", proxy);
        refused("tls: {key: k.pem}\n", "`tls.certificate` and `tls.key` go together");
    }

    #[test]
    fn beyond_loopback_an_external_url_is_needed() {
        let config = Config::load(None, &BTreeMap::new(), |_| None).unwrap();
        assert_eq!(config.external_url("127.0.0.1:7443".parse().unwrap()).unwrap(), "https://127.0.0.1:7443");
        assert!(config.external_url("0.0.0.0:7443".parse().unwrap()).unwrap_err().to_string().contains("--external-url"));
    }
}
