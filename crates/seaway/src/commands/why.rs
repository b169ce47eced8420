//! `seaway why [OBJECT]`: everything that does not move, since when, and what would release it.

use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::kinds;
use crate::output::{self, Format};
use crate::session::{Access, Session};
use crate::typed::{typed, typed_of};
use crate::world::{self, World};
use jiff::Timestamp;
use kube::ResourceExt as _;
use seaway_core::why::{self, Answer};
use seaway_verbs::VerbError;
use serde_json::json;

/// Says what does not move, since when, and what would release it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: seaway why · seaway why prod-eu · seaway why promotion/NAME · seaway why warehouse/images · seaway why freight/1.5.1"
)]
pub(crate) struct Args {
    /// A stage, or KIND/NAME; else everything in the project
    object: Option<String>,
    /// All projects
    #[arg(short = 'A', long)]
    all: bool,
    /// The form of the answer
    #[arg(short, long, value_name = "FORM")]
    output: Option<Format>,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let session = Session::open(global, Access::Read).await?;
        let now = Timestamp::now();
        let mut answers: Vec<(String, Answer)> = Vec::new();
        let projects = session.scope(self.all).await?;
        for project in &projects {
            let world = world::read(&session.verbs_of(project.as_str())).await?;
            let found = match &self.object {
                Some(object) => about(&world, object, project)?,
                // What is parked comes first: it may be why the rest stands.
                None => world.stuck(),
            };
            answers.extend(found.into_iter().map(|answer| (project.clone(), answer)));
        }
        match self.output {
            Some(format @ (Format::Json | Format::Yaml)) => {
                let items: Vec<_> =
                    answers.iter().map(|(project, answer)| json!({ "project": project, "answer": answer })).collect();
                output::print(output::document(&json!(items), format)?);
            }
            Some(Format::Name) => {
                for (_, answer) in &answers {
                    output::line(format_args!("{}/{}", answer.kind.to_lowercase(), answer.name));
                }
            }
            Some(Format::Wide) | None => {
                if projects.is_empty() {
                    output::line("there is no project yet, so nothing waits");
                } else if answers.is_empty() {
                    output::line(format_args!("everything moves in {}", projects.join(", ")));
                }
                for (project, answer) in &answers {
                    if self.all {
                        output::print(format_args!("{project}: {}", text(answer, now, |hint| typed_of(project, hint))));
                    } else {
                        output::print(text(answer, now, typed));
                    }
                }
            }
        }
        Ok(Exit::Done)
    }
}

/// The first line, then what to type.
pub(crate) fn text(answer: &Answer, now: Timestamp, typed: impl Fn(&str) -> String) -> String {
    let first = format!("{}\n", answer.first_line(now));
    let until = answer.until.map(|until| format!("  in {}\n", why::left(until, now))).unwrap_or_default();
    let hint = if answer.hint.is_empty() { String::new() } else { format!("  hint: {}\n", typed(&answer.hint)) };
    format!("{first}{until}{hint}")
}

/// What there is to say about one object.
pub(crate) fn about(world: &World, object: &str, project: &str) -> Result<Vec<Answer>, Failure> {
    let (kind, name) = object.split_once('/').unwrap_or(("stage", object));
    let kind = kinds::Kind::find(kind)?;
    let word = kind.resource.kind.as_str();
    if let Some(answer) = world.unreadable(word, name) {
        return Ok(vec![answer]);
    }
    match word {
        "Stage" => match world.stages.iter().find(|stage| stage.name_any() == name) {
            Some(stage) => Ok(vec![world.ask(|project| why::stage(project, stage))]),
            None => Err(kind.missing(name, project, names(&world.stages))),
        },
        "Warehouse" => match world.warehouses.iter().find(|warehouse| warehouse.name_any() == name) {
            Some(warehouse) => Ok(vec![world.ask(|project| why::warehouse(project, warehouse))]),
            None => Err(kind.missing(name, project, names(&world.warehouses))),
        },
        "Promotion" | "PromotionRun" => match world.promotions.iter().find(|promotion| promotion.name_any() == name) {
            Some(promotion) => {
                // A run that cannot be read is why its promotion does not move.
                let own = world.unreadable("PromotionRun", name);
                Ok(own.into_iter().chain([world.ask(|project| why::promotion(project, promotion))]).collect())
            }
            None => Err(kind.missing(name, project, names(&world.promotions))),
        },
        "Freight" => {
            let freight = seaway_core::freight::find(name, &world.freight).map_err(VerbError::from)?;
            Ok(world.ask(|project| why::freight_on_its_way(project, freight)))
        }
        other => Err(Failure::usage(format!("a {other} waits for nothing"), "stages, promotions, warehouses and freight do")),
    }
}

fn names<K: kube::Resource>(objects: &[K]) -> Vec<String> {
    objects.iter().map(kube::ResourceExt::name_any).collect()
}
