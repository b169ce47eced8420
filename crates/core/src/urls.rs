//! One spelling for each repository: the rules are `base`'s, since expressions compare repositories too.

pub use seaway_base::urls::{normalise_chart, normalise_git, normalise_image};
