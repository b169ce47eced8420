//! `seaway whoami`: who the control plane takes us for.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::output::{self, Format};
use crate::session::{Access, Session};
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use serde_json::json;

/// Tells who the control plane takes you for
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Access::Read).await?;
        let reviews: Api<SelfSubjectReview> = Api::all(session.client.clone());
        let review = reviews.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        let review = review.map_err(|err| Failure::api("ask who we are", err))?;
        let user = review.status.and_then(|status| status.user_info).unwrap_or_default();
        let (name, groups) = (user.username.unwrap_or_default(), user.groups.unwrap_or_default());
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => {
                output::print(output::document(&json!({ "user": name, "groups": groups }), format)?);
            }
            Some(Format::Name) => output::line(name),
            Some(Format::Wide) | None => {
                output::line(format_args!("{name}  at {}", session.shown()));
                for group in groups {
                    output::line(format_args!("  in {group}"));
                }
            }
        }
        Ok(Exit::Done)
    }
}
