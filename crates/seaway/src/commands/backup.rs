//! `seaway backup FILE`: a consistent copy of everything, taken while the control plane runs.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::session::{Access, Session};
use futures::TryStreamExt as _;
use http_body_util::BodyExt as _;
use kube::client::Body;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// Writes a copy of the control plane's store to a file, while it runs
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To restore: put FILE in an empty folder as state.db, and beside it DIR/key of the control plane it was taken from \
(Secrets are sealed with it); then `seaway serve --data FOLDER`."
)]
pub(crate) struct Args {
    /// Where to; must not be there yet
    file: PathBuf,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        if self.file.exists() {
            return Err(Failure::new(format!("`{}` is there already", self.file.display()), "name a new file"));
        }
        let session = Session::open(global, Access::Read).await?;
        let request = http::Request::post(seaway_server::backup::PATH).body(Body::empty());
        let request = request.map_err(|err| Failure::bug(format_args!("ask for a backup: {err}")))?;
        let response = session.client.send(request).await.map_err(|err| Failure::api("take a backup", err))?;
        let status = response.status();
        if !status.is_success() {
            let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let message = serde_json::from_slice::<serde_json::Value>(&body).ok();
            let message = message.as_ref().and_then(|body| body["detail"].as_str()).unwrap_or("no reason given").to_owned();
            return Err(Failure::new(
                format!("take a backup: {status}: {message}"),
                "the control plane's log tells more; `seaway backup FILE` can be repeated at any time",
            ));
        }
        let failed = |err: &std::io::Error| Failure {
            hint: "name a file in a folder that is there and may be written to".to_owned(),
            ..Failure::io(format!("write `{}`", self.file.display()), err)
        };
        let mut unfinished = self.file.clone().into_os_string();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(|err| failed(&err))?;
        let mut chunks = std::pin::pin!(response.into_body().into_data_stream());
        let mut n_bytes = 0_u64;
        while let Some(chunk) =
            chunks.try_next().await.map_err(|err| Failure::new(format!("read the backup: {err}"), "try again"))?
        {
            file.write_all(&chunk).map_err(|err| failed(&err))?;
            n_bytes += chunk.len() as u64;
        }
        file.sync_all().and_then(|()| std::fs::rename(&unfinished, &self.file)).map_err(|err| failed(&err))?;
        output::line(format_args!(
            "wrote {} ({n_bytes} bytes); Secrets in it stay sealed: keep the data folder's `key` with it",
            self.file.display()
        ));
        Ok(Exit::Done)
    }
}
