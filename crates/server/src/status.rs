//! `/status`: which version stands where, and since when, as one table without script: for a wall, or a browser that shows text only.

use crate::live::may_read;
use crate::page::{guarded, nonce};
use crate::state::ServerState;
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use kube::api::{Api, ListParams};
use seaway_api::kargo::Project;
use seaway_apiserver::Identity;
use seaway_core::view::StageRow;
use seaway_core::why;
use std::fmt::Write as _;

/// So many projects are shown; there is no room for more on a wall.
const N_PROJECTS_MAX: usize = 200;
/// It is asked for again after so many seconds.
const AGAIN_SECONDS: u32 = 15;

/// The page: what the caller may see; nobody sees it all where it is public, and nothing otherwise.
pub(crate) async fn page(State(state): State<ServerState>, identity: Option<Extension<Identity>>) -> Response {
    let reader = match identity {
        Some(Extension(identity)) => identity,
        None if state.info.status_is_public => Identity::controller("server"),
        None => return html(StatusCode::UNAUTHORIZED, NOT_PUBLIC, &state.info.url),
    };
    match rows(&state, &reader).await {
        Ok(projects) => html(StatusCode::OK, &table(&projects, state.clock.now()), &state.info.url),
        Err(why) => html(StatusCode::SERVICE_UNAVAILABLE, &format!("<p>{}</p>", escaped(&why)), &state.info.url),
    }
}

const NOT_PUBLIC: &str = "<p>This page is for who is signed in. <a href=\"/\">Sign in</a>, then come back.</p>\n\
<p>A wall can have it without: the setting <code>status.public</code> shows every project’s stages and versions to everybody who reaches this port.</p>";

/// A project and its stages, in the order of the pipeline.
type Shown = (String, Vec<StageRow>);

async fn rows(state: &ServerState, reader: &Identity) -> Result<Vec<Shown>, String> {
    let client = state.api.client(Identity::controller("server"));
    let all = Api::<Project>::all(client).list(&ListParams::default()).await.map_err(|err| format!("list projects: {err}"))?;
    let authorizer = state.api.authorizer();
    let mut names: Vec<String> = all.items.into_iter().filter_map(|project| project.metadata.name).collect();
    names.retain(|name| may_read(&authorizer, reader, name).is_ok());
    names.sort();
    names.truncate(N_PROJECTS_MAX);
    let mut shown = Vec::with_capacity(names.len());
    for name in names {
        let live = state.served.hub.project(&name).await.map_err(|problem| problem.detail().to_owned())?;
        shown.push((name, live.stages_now(state.clock.now())));
    }
    Ok(shown)
}

fn table(projects: &[Shown], now: Timestamp) -> String {
    let mut text = String::new();
    if projects.iter().all(|(_, stages)| stages.is_empty()) {
        text.push_str("<p>There is no stage that you may see.</p>");
        return text;
    }
    text.push_str("<table>\n<thead><tr><th>Project<th>Stage<th>Version<th>State<th>Since</thead>\n<tbody>\n");
    for (project, stages) in projects {
        for (at, stage) in stages.iter().enumerate() {
            let state = stage.state.as_str();
            let since = stage.since.map(|since| {
                format!("<time datetime=\"{since}\">{} ({})</time>", since.strftime("%Y-%m-%d %H:%M UTC"), why::age(since, now))
            });
            let has = if stage.has.is_empty() { "–" } else { &stage.has };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "<tr><td>{}<th scope=row>{}<td>{}<td class={state}>{} {state}<td>{}",
                if at == 0 { escaped(project) } else { String::new() },
                escaped(&stage.name),
                escaped(has),
                shape(state),
                since.unwrap_or_else(|| "–".to_owned()),
            );
        }
    }
    let _ = writeln!(text, "</tbody>\n</table>\n<p>as of {}</p>", now.strftime("%Y-%m-%d %H:%M:%S UTC"));
    text
}

/// A state is a word and a shape; a wall is read from afar.
fn shape(state: &str) -> char {
    match state {
        "unchecked" => '○',
        "verified" | "succeeded" | "ready" => '✓',
        "failed" | "blocked" | "uncertain" => '✕',
        "waiting" | "held" => '◷',
        "promoting" | "looking" => '◐',
        _ => '–',
    }
}

fn html(status: StatusCode, body: &str, url: &str) -> Response {
    let nonce = nonce();
    let policy =
        format!("default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Seaway: what is where</title>\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta http-equiv=\"refresh\" content=\"{AGAIN_SECONDS}\">\n\
<style nonce=\"{nonce}\">{STYLE}</style></head>\n<body><h1>What is where</h1>\n{body}\n<p><a href=\"/\">{}</a></p></body></html>\n",
        escaped(url)
    );
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    guarded((status, headers, text).into_response(), &policy)
}

const STYLE: &str = ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{margin:16px}h1{font-size:20px}\
table{border-collapse:collapse}td,th{padding:4px 16px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid #8884;\
font-weight:normal}thead th{font-weight:600}.failed,.blocked,.uncertain{font-weight:600}\
@media(max-width:600px){thead{display:none}tr{display:block;padding:6px 0;border-bottom:1px solid #8884}td,th{display:inline;\
padding-right:8px;border:0}th{font-weight:600}}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_core::why::State;

    fn stage(name: &str, has: &str, state: State) -> StageRow {
        StageRow {
            name: name.to_owned(),
            has: has.to_owned(),
            has_freight: None,
            next: String::new(),
            next_freight: None,
            state,
            waits_for: "smoke test answered 500".to_owned(),
            cause: String::new(),
            since: "2026-11-21T14:05:00Z".parse().ok(),
            until: None,
            hint: String::new(),
            upstream: Vec::new(),
            warehouses: Vec::new(),
            control_flow: false,
            in_git: None,
            promotes_by_itself: false,
            promotion: None,
            index: 0,
        }
    }

    #[test]
    fn a_stage_is_a_row_whose_words_stay_text() {
        let stages =
            vec![stage("qa", "fund-transfer 1.5.1", State::Unchecked), stage("e2e", "fund-transfer <1.5.0>", State::Failed)];
        let text = table(&[("bank".to_owned(), stages)], "2026-11-21T14:08:00Z".parse().unwrap());
        insta::assert_snapshot!(text, @r#"
        <table>
        <thead><tr><th>Project<th>Stage<th>Version<th>State<th>Since</thead>
        <tbody>
        <tr><td>bank<th scope=row>qa<td>fund-transfer 1.5.1<td class=unchecked>○ unchecked<td><time datetime="2026-11-21T14:05:00Z">2026-11-21 14:05 UTC (3m)</time>
        <tr><td><th scope=row>e2e<td>fund-transfer &lt;1.5.0&gt;<td class=failed>✕ failed<td><time datetime="2026-11-21T14:05:00Z">2026-11-21 14:05 UTC (3m)</time>
        </tbody>
        </table>
        <p>as of 2026-11-21 14:08:00 UTC</p>
        "#);
    }

    #[test]
    fn nothing_to_see_is_said() {
        assert!(table(&[], Timestamp::UNIX_EPOCH).contains("no stage that you may see"));
    }
}
