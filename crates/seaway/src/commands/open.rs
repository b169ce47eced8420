//! `seaway open`: the page in the browser, signed in by a one-time link as whoever asks.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use crate::v1;
use http::Method;
use serde_json::json;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Opens the page in the browser, signed in by a one-time link
#[derive(Debug, clap::Args)]
#[command(after_help = "The link signs in whoever the kubeconfig says you are; it works once, within ten minutes.")]
pub(crate) struct Args {
    /// Print the link and nothing else to standard output; start no browser
    #[arg(long)]
    print: bool,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Access::Read).await?;
        let url = link(&session.client).await?;
        if self.print {
            output::aside("it signs you in once, within ten minutes:");
            output::line(&url);
        } else {
            output::line(format_args!("open  {url}"));
        }
        start_browser(&url, self.print);
        Ok(Exit::Done)
    }
}

/// Starts the browser at an address that was printed already, unless it was only to be printed or there is no display.
pub(super) fn start_browser(url: &str, print: bool) {
    if print || !has_display() {
        return;
    }
    if let Err(err) = browse(url) {
        output::aside(format_args!("no browser was started ({err}): open the link yourself"));
    }
}

/// A one-time link for whoever the client is.
///
/// # Errors
/// The control plane gives none.
pub(crate) async fn link(client: &kube::Client) -> Result<String, Failure> {
    let answer = v1::ask(client, "make a link", Method::POST, &["links"], Some(&json!({}))).await?;
    answer["url"].as_str().map(str::to_owned).ok_or_else(|| Failure::bug("a link has no URL"))
}

fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Starts the browser on a file of ours alone that leads to the link: what stands on a command line, everybody on the machine can read.
fn browse(url: &str) -> std::io::Result<()> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let mut file = tempfile::Builder::new().prefix("seaway-open-").suffix(".html").tempfile_in(folder)?;
    file.write_all(page(url).as_bytes())?;
    let (_, path) = file.keep()?;
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(program).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match started {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(std::io::Error::other(format!("{program}: {status}"))),
        Err(err) => Err(std::io::Error::new(err.kind(), format!("{program}: {err}"))),
    }
}

/// A page that goes on to `url` at once.
fn page(url: &str) -> String {
    let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\"><title>Seaway</title>\
<meta http-equiv=\"refresh\" content=\"0;url={url}\"><a href=\"{url}\">Seaway</a>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_url_cannot_leave_its_place_in_the_page() {
        let page = page("https://127.0.0.1:7443/#link=a\"><script>");
        assert!(page.contains("0;url=https://127.0.0.1:7443/#link=a&quot;>&lt;script>\""), "{page}");
    }
}
