//! The functions that read artifacts out of the freight being promoted: `imageFrom`, `commitFrom`, `chartFrom`, `artifactFrom`, `warehouse`.

use seaway_api::kargo::FreightReference;
use seaway_expr::{CallError, Value};
use serde::Serialize;

use crate::facts::Facts;

/// Answers one call.
pub(crate) fn call(facts: &Facts, name: &str, args: &[Value]) -> Result<Value, CallError> {
    if name == "warehouse" {
        return seaway_expr::promotion::warehouse(args);
    }
    let first = args.first().and_then(Value::as_str).unwrap_or_default();
    let origin = args.iter().skip(1).find_map(origin_name);
    let freight = facts.freight.iter().filter(|freight| origin.as_ref().is_none_or(|origin| freight.origin.name == *origin));
    match name {
        "imageFrom" => one(freight, |freight| freight.images.iter().find(|image| image.repo_url == first)),
        "commitFrom" => one(freight, |freight| freight.commits.iter().find(|commit| same_repo(&commit.repo_url, first))),
        "chartFrom" => {
            let chart = args.get(1).and_then(Value::as_str).unwrap_or_default();
            one(freight, |freight| {
                freight.charts.iter().find(|it| it.repo_url == first && (chart.is_empty() || it.name == chart))
            })
        }
        _ => one(freight, |freight| freight.artifacts.iter().find(|it| it.subscription_name == first)),
    }
}

fn one<'a, T: Serialize + 'a>(
    mut freight: impl Iterator<Item = &'a FreightReference>,
    find: impl Fn(&'a FreightReference) -> Option<&'a T>,
) -> Result<Value, CallError> {
    match freight.find_map(find) {
        None => Ok(Value::Null),
        Some(found) => {
            let json = serde_json::to_value(found).map_err(|err| CallError::Failed(err.to_string()))?;
            let fields = json.as_object().cloned().unwrap_or_default();
            // Expressions name the fields as Go does.
            Ok(Value::map(fields.iter().map(|(key, value)| (go_name(key), Value::from_json(value)))))
        }
    }
}

fn origin_name(value: &Value) -> Option<String> {
    match value {
        Value::Struct(origin) => {
            origin.fields.iter().find(|field| field.0 == "Name").and_then(|field| field.3.as_str()).map(ToOwned::to_owned)
        }
        _ => None,
    }
}

fn go_name(key: &str) -> String {
    match key {
        "repoURL" => "RepoURL".into(),
        "id" => "ID".into(),
        key => key.get(..1).map_or_else(String::new, |first| first.to_uppercase() + &key[1..]),
    }
}

fn same_repo(a: &str, b: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_lowercase();
    plain(a) == plain(b)
}
