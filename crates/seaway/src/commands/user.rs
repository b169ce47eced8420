//! `seaway user`: the people who sign in with a password.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format, Table};
use crate::password::{New, Source};
use crate::session::{Access, Session};
use crate::v1;
use http::Method;
use serde_json::{Value, json};

/// The people who sign in with a password
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A user may do what Roles say: bind one of the project's, kargo-viewer, kargo-promoter or kargo-admin, to the User `user:NAME`."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Add a user; asks for the password
    Add {
        /// The name: they are `user:NAME` in bindings and journals
        name: String,
        /// A group of theirs; may be given again
        #[arg(short, long, value_name = "GROUP")]
        group: Vec<String>,
        #[command(flatten)]
        password: Source,
    },
    /// Set a user's password; ends their sessions and tokens
    #[command(
        after_help = "Your own takes the present one, too: with --password-stdin it is the first line, the new one the second.\n\
Another's takes the new one alone, and the right to update users."
    )]
    Passwd {
        /// The user
        name: String,
        #[command(flatten)]
        password: Source,
    },
    /// Remove a user; ends their sessions and tokens
    Rm {
        /// The user
        name: String,
    },
    /// List the users
    List {
        /// The form of the answer
        #[arg(short, long, value_name = "FORM")]
        output: Option<Format>,
    },
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        match &self.command {
            Command::Add { name, group, password } => add(global, name, group, password.read(name)?).await?,
            Command::Passwd { name, password } => passwd(global, name, *password).await?,
            Command::Rm { name } => remove(global, name).await?,
            Command::List { output } => list(global, *output).await?,
        }
        Ok(Exit::Done)
    }
}

async fn add(global: &Global, name: &str, groups: &[String], new: New) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let body = json!({ "name": name, "password": new.password.reveal(), "groups": groups });
    let added = v1::ask(&session.client, &format!("add user {name}"), Method::POST, &["users"], Some(&body)).await;
    added.map_err(hinted)?;
    output::line(format_args!("user {name} added"));
    tell(&new);
    output::aside(format_args!("next: bind a Role to the User `user:{name}`; until then they see nothing"));
    Ok(())
}

async fn passwd(global: &Global, name: &str, source: Source) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let what = format!("set the password of {name}");
    let me = v1::ask(&session.client, "ask who we are", Method::GET, &["session"], None).await?;
    // Who changes their own proves that it is theirs: a token that was found is not enough.
    let (old, new) = if me["user"].as_str().is_some_and(|user| user == format!("user:{name}")) {
        let (old, new) = source.read_own(name)?;
        (Some(old), new)
    } else {
        (None, source.read(name)?)
    };
    let mut body = json!({ "password": new.password.reveal() });
    if let Some(old) = &old {
        body["old"] = json!(old.reveal());
    }
    let set = v1::ask(&session.client, &what, Method::POST, &["users", name, "password"], Some(&body)).await;
    set.map_err(hinted).map_err(not_there)?;
    output::line(format_args!("user {name} has a new password; their sessions and tokens are ended"));
    tell(&new);
    Ok(())
}

/// A refusal of a name or a password says what will do.
fn hinted(failure: Failure) -> Failure {
    if failure.hint != v1::CORRECT {
        return failure;
    }
    Failure { hint: format!("{}; --generate makes up a password that will do", v1::CORRECT), ..failure }
}

/// A user who is not there is said not to be.
fn not_there(failure: Failure) -> Failure {
    if failure.hint != v1::NOT_THERE {
        return failure;
    }
    Failure { hint: "there is no such user; `seaway user list` lists them".to_owned(), ..failure }
}

async fn remove(global: &Global, name: &str) -> Result<(), Failure> {
    let session = Session::open(global, Access::Write).await?;
    let removed = v1::ask(&session.client, &format!("remove user {name}"), Method::DELETE, &["users", name], None).await;
    removed.map_err(not_there)?;
    output::line(format_args!("user {name} removed; their sessions and tokens are ended"));
    Ok(())
}

async fn list(global: &Global, format: Option<Format>) -> Result<(), Failure> {
    let session = Session::open(global, Access::Read).await?;
    let answer = v1::ask(&session.client, "list users", Method::GET, &["users"], None).await?;
    let items = answer["items"].as_array().map_or(&[][..], Vec::as_slice);
    match format {
        Some(format @ (Format::Json | Format::Yaml)) => output::print(output::document(&json!({ "items": items }), format)?),
        Some(Format::Name) => items.iter().for_each(|user| output::line(text(&user["name"]))),
        Some(Format::Wide) | None => output::print(table(items).text(output::width(), true)),
    }
    Ok(())
}

fn table(items: &[Value]) -> Table {
    let mut table = Table::new(&["USER", "GROUPS", "SINCE"]);
    for user in items {
        let groups: Vec<&str> = user["groups"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        table.rows.push(vec![text(&user["name"]).into(), groups.join(", ").into(), v1::instant(&user["createdAt"]).into()]);
    }
    table
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A password that was made up is shown once, alone on its line.
fn tell(new: &New) {
    if new.is_made_up {
        output::line(format_args!("password  {}  (shown this once)", new.password.reveal()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_a_table() {
        let items = [json!({ "name": "bob", "groups": ["promoters"], "createdAt": "2026-11-21T19:00:00Z" })];
        insta::assert_snapshot!(table(&items).text(None, true), @r"
        USER  GROUPS     SINCE
        bob   promoters  2026-11-21T19:00:00Z
        ");
    }
}
