//! `seaway describe`: why first, then what it is, then its history.

use super::get::Look;
use super::why;
use crate::cli::Global;
use crate::exit::{Exit, Failure};
use crate::kinds;
use crate::output::{self, Format, Table, state_style};
use crate::session::{Access, Session, made};
use crate::world::{self, World};
use kube::ResourceExt as _;
use seaway_core::why as core_why;

/// How many promotions of a stage are told.
const HISTORY: usize = 10;

/// Says why an object is as it is, then what it is, then its history
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: seaway describe stage prod-eu · seaway describe promotion/NAME · seaway describe freight 1.5.1"
)]
pub(crate) struct Args {
    /// The kind, or KIND/NAME
    kind: String,
    /// The objects
    names: Vec<String>,
}

impl Args {
    pub(crate) async fn run(&self, global: &Global) -> Result<Exit, Failure> {
        let (kind, names) = kinds::parse(&self.kind, &self.names)?;
        if names.is_empty() {
            return Err(Failure::usage(
                format!("which {}?", kind.one()),
                format!("seaway describe {} NAME; `seaway get {}` lists them", self.kind, kind.word()),
            ));
        }
        let session = Session::open(global, Access::Read).await?;
        let project = if kind.namespaced { session.verbs().await?.project().to_owned() } else { String::new() };
        let word = kind.resource.kind.clone();
        let explained = matches!(word.as_str(), "Stage" | "Warehouse" | "Promotion" | "PromotionRun" | "Freight");
        for (index, name) in names.into_iter().enumerate() {
            if index > 0 {
                output::line("");
            }
            if explained {
                let world = world::read(&session.verbs_of(project.as_str())).await?;
                for answer in why::about(&world, &format!("{}/{name}", kind.resource.plural), &project)? {
                    output::print(why::text(&answer, world.now, crate::typed::typed));
                }
                output::print(history(&world, &word, &name));
            }
            let mut look =
                Look { kind: kind.clone(), names: vec![name], projects: vec![project.clone()], all: false, wide: true };
            look.name_freight(&session).await?;
            for mut object in look.objects(&session).await? {
                // What was told above is not told again, and a journal is `seaway logs`.
                if let Some(object) = object.as_object_mut().filter(|_| explained) {
                    object.remove("status");
                }
                let gap = if explained { "\n" } else { "" };
                output::print(format_args!("{gap}{}", output::document(&object, Format::Yaml)?));
            }
        }
        Ok(Exit::Done)
    }
}

fn history(world: &World, kind: &str, name: &str) -> String {
    match kind {
        "Stage" => promotions(world, |promotion| promotion.spec.stage == name),
        "Freight" => {
            let found = seaway_core::freight::find(name, &world.freight).ok().map(kube::ResourceExt::name_any);
            promotions(world, |promotion| Some(&promotion.spec.freight) == found.as_ref())
        }
        "Promotion" | "PromotionRun" => steps(world, name),
        _ => String::new(),
    }
}

fn promotions(world: &World, wanted: impl Fn(&seaway_api::kargo::Promotion) -> bool) -> String {
    let mut found: Vec<_> = world.promotions.iter().filter(|promotion| wanted(promotion)).collect();
    found.sort_by_key(|promotion| std::cmp::Reverse((made(*promotion), promotion.name_any())));
    let labels = world.labels();
    let mut table = Table::new(&["PROMOTION", "STAGE", "FREIGHT", "PHASE", "MESSAGE", "AGE"]);
    for promotion in found.into_iter().take(HISTORY) {
        let answer = world.ask(|project| core_why::promotion(project, promotion));
        let phase = promotion.status.as_ref().map(|status| status.phase.to_string()).unwrap_or_default();
        let own = promotion.status.as_ref().map(|status| status.message.clone()).unwrap_or_default();
        let message = if answer.state == core_why::State::Succeeded { own } else { answer.cause };
        let freight = world.freight.iter().find(|freight| freight.name_any() == promotion.spec.freight);
        table.rows.push(vec![
            promotion.name_any().into(),
            promotion.spec.stage.as_str().into(),
            freight.map_or_else(|| promotion.spec.freight.clone(), |freight| labels.of(&freight.reference())).into(),
            output::Cell::from(phase.as_str()).styled(state_style(&phase)),
            message.into(),
            world.age(made(promotion)).into(),
        ]);
    }
    if table.rows.is_empty() {
        return "\nno promotions yet\n".to_owned();
    }
    format!("\n{}", table.text(output::width(), true))
}

fn steps(world: &World, name: &str) -> String {
    let Some(run) = world.runs.iter().find(|run| run.name_any() == name) else { return String::new() };
    format!("\n{}", super::logs::text(run, &mut super::logs::Told::default()))
}
