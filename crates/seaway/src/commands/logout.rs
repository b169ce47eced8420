//! `seaway logout`: ends the token of `seaway login` and forgets it.

use super::login::LOGIN;
use crate::cli::Global;
use crate::data;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use crate::v1;
use http::Method;
use kube::config::Kubeconfig;
use std::path::Path;

/// Ends the token that `seaway login` kept
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(&self) -> Result<Exit, Failure> {
        let path = data::login()?;
        if !path.exists() {
            output::line("nobody is signed in here");
            return Ok(Exit::Done);
        }
        let ended = end(&path).await;
        std::fs::remove_file(&path).map_err(|err| Failure::io(format!("remove `{}`", path.display()), &err))?;
        match ended {
            Ok(()) => output::line("signed out"),
            Err(failure) => {
                // It may have ended by itself; if not, it does when its time is over.
                output::aside(format_args!("{}", failure.message));
                output::line("signed out here; the token itself could not be ended, and is good until its time is over");
            }
        }
        Ok(Exit::Done)
    }
}

async fn end(path: &Path) -> Result<(), Failure> {
    let unreadable = || Failure::new(format!("`{}` does not say which token it has", path.display()), "seaway token list");
    let kubeconfig = Kubeconfig::read_from(path).map_err(|_| unreadable())?;
    let kept = kubeconfig.extensions.into_iter().flatten().find(|extension| extension.name == LOGIN);
    let id = kept.and_then(|kept| kept.extension["token"].as_str().map(str::to_owned)).ok_or_else(unreadable)?;
    let global = Global { kubeconfig: Some(path.to_owned()), ..Global::default() };
    let session = Session::open(&global, Access::Write).await?;
    v1::ask(&session.client, "end the token", Method::DELETE, &["tokens", &id], None).await.map(drop)
}
