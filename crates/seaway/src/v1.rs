//! `/seaway/v1`, asked as the kubeconfig says who we are: JSON there and back; a problem becomes an error with its hint.

use crate::exit::Failure;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

/// The hint where what was named is not there, and the control plane has none of its own.
pub(crate) const NOT_THERE: &str = "it is not there, or you may not see it; look what there is, then repeat";

const ROOT: &str = "/seaway/v1";
/// More than that is no answer of ours.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// The hint where what was asked for cannot be, and the control plane has none of its own.
pub(crate) const CORRECT: &str = "correct what it names, then repeat";

/// Asks for `path` below `/seaway/v1`; each of `names` is one more part of it, whatever letters it has. No content is `null`.
///
/// # Errors
/// What the server said, or that it did not answer; `what` was to be done.
pub(crate) async fn ask(
    client: &Client,
    what: &str,
    method: Method,
    path: &[&str],
    body: Option<&Value>,
) -> Result<Value, Failure> {
    let path: String = path.iter().map(|part| format!("/{}", escaped(part))).collect();
    let request = Request::builder().method(method).uri(format!("{ROOT}{path}")).header("accept", "application/json");
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string().into_bytes())),
        None => request.body(Body::empty()),
    };
    let request = request.map_err(|err| Failure::bug(format_args!("{what}: {err}")))?;
    let response = client.send(request).await.map_err(|err| Failure::api(what, err))?;
    let status = response.status();
    let read = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
    let bytes = read.map_err(|err| Failure::new(format!("{what}: read the answer: {err}"), "try again"))?.to_bytes();
    let answer: Value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_default() };
    if status.is_success() { Ok(answer) } else { Err(refused(what, status, &answer)) }
}

/// An instant of an answer as a table shows it: to the second.
pub(crate) fn instant(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.parse::<jiff::Timestamp>().map_or_else(|_| text.to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The projects that we may see, by name.
///
/// # Errors
/// As [`ask`].
pub(crate) async fn projects(client: &Client) -> Result<Vec<String>, Failure> {
    let answer = ask(client, "list projects", Method::GET, &["projects"], None).await?;
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(items.iter().filter_map(|item| item["name"].as_str().map(str::to_owned)).collect())
}

/// A problem (RFC 9457), or a Status where the Kubernetes API answered.
pub(crate) fn refused(what: &str, status: http::StatusCode, answer: &Value) -> Failure {
    let text = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
    let said = text("detail").or(text("message")).map_or_else(|| status.to_string(), str::to_owned);
    let hint = match (text("hint"), text("id"), status.as_u16()) {
        (Some(hint), ..) => hint.to_owned(),
        (None, Some(_), 401) => "prove who you are again: `seaway login`, or the kubeconfig in the data folder".to_owned(),
        (None, Some(_), 409) => "look how it stands, then repeat".to_owned(),
        (None, Some(_), 400 | 422) => CORRECT.to_owned(),
        (None, Some(_), 404) => NOT_THERE.to_owned(),
        (None, Some(_), 429) => "wait, then repeat".to_owned(),
        (None, Some(id), _) => format!("the control plane's log tells more under {id}"),
        (None, None, _) => "`seaway version` on both sides: an older control plane does not know it".to_owned(),
    };
    Failure::new(format!("{what}: {said}"), hint)
}

fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_stays_one_part_of_the_path() {
        assert_eq!(escaped("../admin"), "%2E%2E%2Fadmin");
        assert_eq!(escaped("bob@example.com"), "bob%40example%2Ecom");
        assert_eq!(escaped("bob-1"), "bob-1");
    }

    #[test]
    fn what_the_server_said_is_what_is_told() {
        let told = |answer| {
            let failure = refused("add user bob", http::StatusCode::FORBIDDEN, &answer);
            (failure.message, failure.hint)
        };
        let problem = json!({ "detail": "eve may not", "hint": "ask an admin", "id": "1f" });
        assert_eq!(told(problem), ("add user bob: eve may not".to_owned(), "ask an admin".to_owned()));
        let bug = json!({ "detail": "an error", "hint": "", "id": "1f" });
        assert_eq!(told(bug).1, "the control plane's log tells more under 1f");
        let short = json!({ "detail": "too short", "hint": "", "id": "1f" });
        let invalid = refused("add user bob", http::StatusCode::UNPROCESSABLE_ENTITY, &short);
        assert_eq!((invalid.message.as_str(), invalid.hint.as_str()), ("add user bob: too short", CORRECT));
        let status = json!({ "kind": "Status", "message": "not found" });
        assert_eq!(told(status).0, "add user bob: not found");
        assert_eq!(told(Value::Null).0, "add user bob: 403 Forbidden");
    }
}
