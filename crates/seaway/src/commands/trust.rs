//! `seaway trust`: how a browser comes to trust the control plane's own CA.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::session::{Access, Session};
use crate::typed::{quoted, typed};
use seaway_server::fingerprint;
use serde_json::json;
use std::fmt::Write as _;

/// Where the certificate goes that is on no disk of this machine.
const SAVED: &str = "seaway-ca.pem";

/// Tells how a browser comes to trust the control plane's own CA
#[derive(Debug, clap::Args)]
#[command(after_help = "Nothing is changed: it prints what to run. Without it, compare the fingerprint that the browser shows.")]
pub(crate) struct Args {
    /// Print the CA's certificate only
    #[arg(long, conflicts_with = "output")]
    pem: bool,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

/// What there is to trust.
struct Ca {
    url: String,
    /// The certificate's file, as it is typed in a shell; none if it stands in a kubeconfig only.
    path: Option<String>,
    fingerprint: String,
    /// The fingerprint of the certificate that a browser is shown.
    shown: String,
    name: String,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Access::Read).await?;
        let Some(pem) = session.ca_pem()? else {
            output::line(format_args!(
                "{} names no CA of its own: its certificate is one the system trusts, or should",
                session.shown()
            ));
            return Ok(Exit::Done);
        };
        if self.pem {
            output::print(String::from_utf8_lossy(&pem));
            return Ok(Exit::Done);
        }
        let ca = look(&session, &pem).await?;
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => {
                let value = json!({ "url": ca.url, "ca": ca.path, "caFingerprint": ca.fingerprint, "fingerprint": ca.shown });
                output::print(output::document(&value, format)?);
            }
            Some(Format::Name) => output::line(ca.fingerprint),
            Some(Format::Wide) | None => output::print(text(&ca, has_nss_database())),
        }
        Ok(Exit::Done)
    }
}

async fn look(session: &Session, pem: &[u8]) -> Result<Ca, Failure> {
    let hint = "name another kubeconfig with --kubeconfig";
    let url = session.url()?;
    let parsed: http::Uri = url.parse().map_err(|err| Failure::new(format!("read the URL `{url}`: {err}"), hint))?;
    let (host, port) = (parsed.host().unwrap_or_default(), parsed.port_u16().unwrap_or(443));
    let shown = fingerprint::presented(host, port, pem).await;
    let shown = shown
        .map_err(|err| Failure::new(format!("look at the certificate of {url}: {err}"), "is it running? `seaway version`"))?;
    let fingerprint =
        fingerprint::of_pem(pem).ok_or_else(|| Failure::new("the kubeconfig's CA is no certificate in PEM", hint))?;
    let path = session
        .folder()
        .map(|folder| folder.join("tls/ca.pem"))
        .filter(|path| path.exists())
        .map(|path| quoted(&path.display().to_string()));
    let name = session.folder().and_then(|folder| folder.file_name()?.to_str().map(str::to_owned));
    Ok(Ca { url, path, fingerprint, shown, name: format!("seaway-{}", name.unwrap_or_else(|| host.to_owned())) })
}

/// Whether Chromium's own database of certificates is there: a home in which no browser ran has none.
fn has_nss_database() -> bool {
    std::env::home_dir().is_some_and(|home| home.join(".pki/nssdb/cert9.db").exists())
}

fn text(ca: &Ca, has_nss_database: bool) -> String {
    let mut text = String::new();
    let path = ca.path.as_deref().unwrap_or(SAVED);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{} is vouched for by a CA of its own, so a browser that does not know it warns:", ca.url);
    let _ = writeln!(text, "  certificate  SHA-256 {}   what the browser shows now; it changes when it is renewed", ca.shown);
    let _ = writeln!(text, "  CA           SHA-256 {}   {path}", ca.fingerprint);
    let _ = writeln!(text, "\nTo trust it, one of:");
    if ca.path.is_none() {
        let _ = writeln!(text, "  first              {} > {SAVED}", typed("seaway trust --pem"));
    }
    let name = &ca.name;
    let database = if has_nss_database {
        ""
    } else {
        "mkdir -p $HOME/.pki/nssdb && certutil -N --empty-password -d sql:$HOME/.pki/nssdb && "
    };
    for (system, command) in [
        ("Chromium on Linux", format!("{database}certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n {name} -i {path}")),
        (
            "Firefox on Linux",
            format!("certutil -d sql:PROFILE -A -t C,, -n {name} -i {path}   (PROFILE: about:profiles, Root Directory)"),
        ),
        (
            "Debian, Ubuntu",
            format!("sudo install -m 644 {path} /usr/local/share/ca-certificates/{name}.crt && sudo update-ca-certificates"),
        ),
        (
            "Fedora, RHEL",
            format!("sudo install -m 644 {path} /etc/pki/ca-trust/source/anchors/{name}.pem && sudo update-ca-trust"),
        ),
        ("macOS", format!("security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {path}")),
        ("Windows", format!("certutil -user -addstore Root {path}")),
    ] {
        let _ = writeln!(text, "  {system:<18} {command}");
    }
    let _ = writeln!(
        text,
        "\n`certutil` for browsers is in Debian's libnss3-tools and Fedora's nss-tools. The CA's key is tls/ca.key in the data folder: whoever reads it can\n\
pose as any site to a browser that trusts it. For a look around, a browser profile of its own is enough."
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_command_and_a_path_is_typed_as_it_is() {
        let ca = |path: Option<&str>| Ca {
            url: "https://127.0.0.1:7443".to_owned(),
            path: path.map(quoted),
            fingerprint: "AA:01".to_owned(),
            shown: "BB:02".to_owned(),
            name: "seaway-demo".to_owned(),
        };
        let text_of = text(&ca(Some("/home/a b/demo/tls/ca.pem")), true);
        assert!(text_of.contains("-n seaway-demo -i '/home/a b/demo/tls/ca.pem'"), "{text_of}");
        assert!(text_of.contains("SHA-256 BB:02") && text_of.contains("SHA-256 AA:01"));
        assert!(!text_of.contains("--pem") && text(&ca(None), true).contains("seaway trust --pem > seaway-ca.pem"));
        assert!(!text_of.contains("certutil -N") && text(&ca(None), false).contains("certutil -N --empty-password -d sql:"));
    }
}
