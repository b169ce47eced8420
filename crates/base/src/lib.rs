//! What every room stands on: clock, randomness, paths, URLs, secrets, errors that know what comes next, bounded work and the one HTTP client.

pub mod awaited;
pub mod backoff;
pub mod clock;
pub mod error;
pub mod files;
pub mod go_duration;
pub mod http;
pub mod ids;
pub mod path;
pub mod process;
pub mod secret;
pub mod shares;
pub mod urls;

pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use error::{Next, chain};
pub use ids::{Actor, Random};
pub use path::RelPath;
pub use secret::Secret;
pub use shares::{Share, Shares};
