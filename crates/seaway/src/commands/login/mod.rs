//! `seaway login [URL]`: signs in and keeps a token, for every command and for kubectl.

mod callback;
mod provider;
mod server;

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::session::{Access, Session};
use crate::{data, output, password, v1};
use seaway_base::Secret;
use seaway_server::kubeconfig::Kubeconfig;
use serde_json::{Value, json};
use server::Server;
use std::path::{Path, PathBuf};

/// Signs in, and keeps a token for later commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Where an identity provider is set, it asks you to sign in there, in a browser on whatever machine; \
with --user it asks for a local user's password.\n\
The token is kept in ~/.local/state/seaway/login, a kubeconfig that only you can read: KUBECONFIG=$HOME/.local/state/seaway/login kubectl …\n\
Example: seaway login https://seaway.example.com --ca ca.pem")]
pub(crate) struct Args {
    /// The control plane's URL; else the one that other commands would speak to
    url: Option<String>,
    /// Sign in as a local user, by a password
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Read the password from standard input, up to its end or the first line's
    #[arg(long, requires = "user")]
    password_stdin: bool,
    /// What vouches for the control plane's certificate, PEM; `seaway trust --pem` there prints it
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print the address to go to, and start no browser
    #[arg(long, conflicts_with = "user")]
    no_browser: bool,
    /// The port of this machine that the provider sends the browser to, where it has no device flow; 0 is any
    #[arg(long, value_name = "PORT", default_value_t = 0, conflicts_with = "user")]
    port: u16,
}

/// A token that a login got.
pub(super) struct Made {
    id: String,
    token: Secret<String>,
    user: String,
    expires_at: String,
}

impl Made {
    /// From the control plane's answer.
    fn of(answer: &Value, user: &str) -> Result<Self, Failure> {
        let text = |name: &str| {
            answer[name].as_str().map(str::to_owned).ok_or_else(|| Failure::bug(format!("the new token has no {name}")))
        };
        let user = answer["user"].as_str().unwrap_or(user).to_owned();
        Ok(Self { id: text("id")?, token: Secret::new(text("token")?), user, expires_at: text("expiresAt")? })
    }
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let server = self.server(global).await?;
        output::aside(format_args!("→ {}", server.url));
        let methods = server.methods().await?;
        let offered = |method: &str| methods["methods"].as_array().is_some_and(|all| all.iter().any(|it| it == method));
        let made = match &self.user {
            Some(user) => server.by_password(user, &password::of_user(user, self.password_stdin)?).await?,
            None if offered("oidc") => provider::by_provider(&server, self.no_browser, self.port).await?,
            None => {
                let message = "this control plane has no identity provider";
                return Err(Failure::new(message, "sign in as a local user: seaway login --user NAME"));
            }
        };
        let path = data::login()?;
        write(&path, &server, &made).map_err(|err| Failure::io(format!("write `{}`", path.display()), &err))?;
        output::line(format_args!("signed in to {} as {} until {}", server.url, made.user, v1::instant(&json!(made.expires_at))));
        Ok(Exit::Done)
    }

    /// The control plane that is meant, and what vouches for it.
    async fn server(&self, global: &Global) -> Result<Server, Failure> {
        let given = match &self.ca {
            Some(path) => Some(std::fs::read(path).map_err(|err| Failure::io(format!("read `{}`", path.display()), &err))?),
            None => None,
        };
        if let Some(url) = &self.url {
            return Server::open(url, given.or_else(|| known_ca(url))).await;
        }
        let session = Session::open(global, Access::Read).await?;
        let ca = match given {
            Some(pem) => Some(pem),
            None => session.ca_pem()?,
        };
        Server::open(&session.url()?, ca).await
    }
}

/// The CA of a control plane that this machine has a kubeconfig of: by a login, or in a data folder.
fn known_ca(url: &str) -> Option<Vec<u8>> {
    let home = data::home().ok()?;
    let files = [home.join("login"), home.join("demo/kubeconfig"), home.join("default/kubeconfig")];
    files.iter().find_map(|file| {
        let text = std::fs::read(file).ok()?;
        let config: Value = serde_json::from_slice(&text).ok()?;
        let cluster = &config["clusters"][0]["cluster"];
        let same = cluster["server"].as_str()?.trim_end_matches('/') == url.trim_end_matches('/');
        let ca = cluster["certificate-authority-data"].as_str().filter(|_| same)?;
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, ca).ok()
    })
}

/// Writes the kubeconfig, 0600; it remembers which token it has, for `seaway logout`.
fn write(path: &Path, server: &Server, made: &Made) -> std::io::Result<()> {
    let host = server.url.split_once("://").map_or(server.url.as_str(), |(_, host)| host);
    let ca_pem = server.ca.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let kubeconfig =
        Kubeconfig { server: &server.url, ca_pem: &ca_pem, token: &made.token, user: &made.user, namespace: None, name: host };
    let mut config: Value = serde_json::from_str(&kubeconfig.text()).map_err(std::io::Error::other)?;
    config["extensions"] = json!([{ "name": LOGIN, "extension": { "token": made.id, "expiresAt": made.expires_at } }]);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    seaway_base::files::write_private(path, format!("{config:#}\n").as_bytes())
}

/// The kubeconfig's extension that says which token it has.
pub(super) const LOGIN: &str = "seaway.dev/login";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn what_is_kept_is_a_kubeconfig_of_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/login");
        let server = Server::of("https://seaway.example.com:7443", Some(b"PEM".to_vec()));
        let answer =
            json!({ "id": "7f", "token": "seaway_x", "user": "oidc:carl@example.com", "expiresAt": "2026-11-22T00:00:00Z" });
        write(&path, &server, &Made::of(&answer, "").unwrap()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let kubeconfig = kube::config::Kubeconfig::read_from(&path).unwrap();
        assert_eq!(kubeconfig.current_context.as_deref(), Some("seaway-seaway.example.com:7443"));
        assert_eq!(kubeconfig.auth_infos[0].name, "oidc:carl@example.com");
        assert_eq!(kubeconfig.extensions.unwrap()[0].name, LOGIN);
    }

    #[test]
    fn an_answer_without_a_token_is_none() {
        assert!(Made::of(&json!({ "id": "7f" }), "bob").is_err());
    }
}
