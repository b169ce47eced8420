//! `seaway token`: API tokens of one's own, for scripts: with an end, and for less than everything where that is enough.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, Table};
use crate::session::{Access, Session};
use crate::typed::typed;
use crate::v1;
use clap::builder::PossibleValuesParser;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// The verbs that a right may have here.
const VERBS: [&str; 14] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "promote",
    "refresh",
    "bind",
    "escalate",
    "impersonate",
    "*",
];

/// API tokens of your own, for scripts
#[derive(Debug, clap::Args)]
#[command(after_help = "A token is `Authorization: Bearer …` for every door. It may never more than you may.\n\
Example: seaway token create ci -p bank --verb get,list,watch,promote,refresh --expires 30d")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token and show it once; --project narrows it to a project (several with commas)
    Create {
        /// What it is for
        name: String,
        /// Only these verbs, as RBAC names them; may be given again; `promote` covers plans, promotions and approvals
        #[arg(long, value_name = "VERB", value_delimiter = ',', value_parser = PossibleValuesParser::new(VERBS))]
        verb: Vec<String>,
        /// How long it is good
        #[arg(long, default_value = "30d", value_parser = lifetime)]
        expires: Duration,
        /// The form of the answer
        #[arg(short, long, value_name = "FORM")]
        output: Option<Format>,
    },
    /// List your tokens
    List {
        /// The form of the answer
        #[arg(short, long, value_name = "FORM")]
        output: Option<Format>,
    },
    /// End a token
    Revoke {
        /// Its id or its name, as `list` shows them
        #[arg(value_name = "TOKEN")]
        token: String,
    },
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        match &self.command {
            Command::Create { name, verb, expires, output } => create(global, name, verb, *expires, *output).await?,
            Command::List { output } => list(global, *output).await?,
            Command::Revoke { token } => revoke(global, token).await?,
        }
        Ok(Exit::Done)
    }
}

/// `30d`, or as Kargo's documents write durations: `12h`.
fn lifetime(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let lifetime =
        days.map_or_else(|| super::promote::duration(text).ok(), |days| Some(Duration::from_secs(u64::from(days) * 86_400)));
    lifetime.filter(|lifetime| lifetime.as_secs() > 0).ok_or_else(|| "a duration such as 30d or 12h is wanted".to_owned())
}

/// What a token may do: an empty list is no limit.
fn scope(projects: Option<&str>, verbs: &[String]) -> Value {
    let projects: Vec<&str> = projects.into_iter().flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).collect();
    json!({ "projects": projects, "verbs": verbs })
}

async fn create(global: &Global, name: &str, verbs: &[String], expires: Duration, format: Option<Format>) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let scope = scope(global.project.as_deref(), verbs);
    warn_of_unseen(&session, &scope).await;
    let body = json!({ "name": name, "scope": scope, "expiresIn": expires.as_secs() });
    let made = v1::ask(&session.client, &format!("make token {name}"), Method::POST, &["tokens"], Some(&body)).await?;
    warn_of_shorter(expires, &made);
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&made, format)?),
        Some(Format::Name) => output::line(text(&made["token"])),
        Some(Format::Wide) | None => {
            output::line(text(&made["token"]));
            let until = v1::instant(&made["expiresAt"]);
            output::aside(format_args!(
                "shown this once, good until {until}; {}",
                typed(&format!("`seaway token revoke {}` ends it", text(&made["id"])))
            ));
        }
    }
    Ok(())
}

async fn list(global: &Global, format: Option<Format>) -> Result<(), Failure> {
    let session = Session::open(global, Access::Read).await?;
    let answer = v1::ask(&session.client, "list tokens", Method::GET, &["tokens"], None).await?;
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&json!({ "items": items }), format)?),
        Some(Format::Name) => items.iter().for_each(|token| output::line(text(&token["id"]))),
        Some(Format::Wide) | None => output::print(table(items).text(output::width(), true)),
    }
    Ok(())
}

/// A token for a project that is not there is made, and said: the project may come.
async fn warn_of_unseen(session: &Session, scope: &Value) {
    let mut named = scope["projects"].as_array().into_iter().flatten().filter_map(Value::as_str).peekable();
    if named.peek().is_none() {
        return;
    }
    let Ok(seen) = v1::projects(&session.client).await else { return };
    for project in named.filter(|named| !seen.iter().any(|seen| seen == named)) {
        let lists = typed("`seaway get projects` lists them");
        output::aside(format_args!("warning: you see no project {project}: {lists}"));
    }
}

/// The control plane lets no token live for ever: one that ends earlier than was asked for says so.
fn warn_of_shorter(asked: Duration, made: &Value) {
    let Ok(until) = text(&made["expiresAt"]).parse::<jiff::Timestamp>() else { return };
    let (day, asked) = (86_400, i64::try_from(asked.as_secs()).unwrap_or(i64::MAX));
    let given = until.duration_since(jiff::Timestamp::now()).as_secs() + 60;
    if given + day < asked {
        let (given, asked) = (given / day, asked / day);
        output::aside(format_args!(
            "warning: it is good for {given} days, not for the {asked} that were asked for: no token is good for longer"
        ));
    }
}

async fn revoke(global: &Global, token: &str) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let answer = v1::ask(&session.client, "list tokens", Method::GET, &["tokens"], None).await?;
    let own = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    // What is none of ours may be another's, whose tokens we manage: those go by their id.
    let found = named(own, token)?;
    let id = found.unwrap_or(token);
    let ended = v1::ask(&session.client, &format!("revoke token {token}"), Method::DELETE, &["tokens", id], None).await;
    ended.map_err(|failure| match found {
        Some(_) => failure,
        None => Failure { hint: "`seaway token list` lists yours".to_owned(), ..failure },
    })?;
    output::line(format_args!("token {id} is ended"));
    Ok(())
}

/// The id of the token that bears this id or, alone, this name.
fn named<'a>(own: &'a [Value], token: &str) -> Result<Option<&'a str>, Failure> {
    if let Some(found) = own.iter().find(|own| text(&own["id"]) == token) {
        return Ok(Some(text(&found["id"])));
    }
    let ids: Vec<&str> = own.iter().filter(|own| text(&own["name"]) == token).map(|own| text(&own["id"])).collect();
    match ids[..] {
        [] => Ok(None),
        [id] => Ok(Some(id)),
        _ => Err(Failure::new(
            format!("revoke token {token}: {} bear that name: {}", ids.len(), ids.join(", ")),
            "name one by its id; `seaway token list` tells them apart",
        )),
    }
}

fn table(items: &[Value]) -> Table {
    let mut table = Table::new(&["TOKEN", "FOR", "PROJECTS", "VERBS", "UNTIL", "LAST USED"]);
    for token in items {
        let limit = |name: &str| {
            let all: Vec<&str> = token["scope"][name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if all.is_empty() { "all yours".to_owned() } else { all.join(", ") }
        };
        table.rows.push(vec![
            text(&token["id"]).into(),
            text(&token["name"]).into(),
            limit("projects").into(),
            limit("verbs").into(),
            v1::instant(&token["expiresAt"]).into(),
            v1::instant(&token["usedAt"]).into(),
        ]);
    }
    table
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_may_be_in_days() {
        assert_eq!(lifetime("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(lifetime("12h"), Ok(Duration::from_secs(12 * 3_600)));
        for bad in ["", "d", "0d", "0s", "-1h", "soon", "99999999999d"] {
            assert!(lifetime(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_scope_is_what_was_named() {
        assert_eq!(scope(Some("bank,shop"), &["get".to_owned()]), json!({ "projects": ["bank", "shop"], "verbs": ["get"] }));
        assert_eq!(scope(None, &[]), json!({ "projects": [], "verbs": [] }));
    }

    #[test]
    fn a_token_goes_by_its_id_or_by_a_name_that_no_other_bears() {
        let token = |id: &str, name: &str| json!({ "id": id, "name": name });
        let own = [token("7f", "ci"), token("8a", "nightly"), token("9b", "nightly"), token("0c", "7f")];
        let check = |asked: &str, id: Option<&str>| assert_eq!(named(&own, asked).unwrap(), id, "{asked}");
        check("7f", Some("7f"));
        check("ci", Some("7f"));
        check("9b", Some("9b"));
        check("other", None);
        let several = named(&own, "nightly").unwrap_err();
        assert!(several.message.contains("8a, 9b"), "{}", several.message);
    }

    #[test]
    fn tokens_are_a_table() {
        let items = [
            json!({ "id": "7f3a", "name": "ci", "scope": { "projects": ["bank"], "verbs": [] }, "expiresAt": "2026-12-21T00:00:00Z" }),
        ];
        insta::assert_snapshot!(table(&items).text(None, true), @r"
        TOKEN  FOR  PROJECTS  VERBS      UNTIL                 LAST USED
        7f3a   ci   bank      all yours  2026-12-21T00:00:00Z  –
        ");
    }
}
