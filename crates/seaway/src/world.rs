//! A project as a command reads it, by what this binary is built of.

use crate::exit::Failure;
use jiff::Timestamp;
use seaway_verbs::Verbs;
pub(crate) use seaway_verbs::World;

/// Reads the project as it is now.
///
/// # Errors
/// The control plane does not answer, or refuses.
pub(crate) async fn read(verbs: &Verbs) -> Result<World, Failure> {
    Ok(World::read(verbs, |step| seaway_steps::find(step).is_some(), Timestamp::now()).await?)
}
