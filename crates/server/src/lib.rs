//! The door: the control plane's port, with TLS, a token, health and metrics; behind it the Kubernetes API.

mod authenticate;
pub mod backup;
pub mod door;
pub mod fingerprint;
pub mod health;
pub mod kubeconfig;
pub mod page;
pub mod private;
pub mod problem;
pub mod routes;
pub mod state;
pub mod tls;
pub mod tokens;

pub use door::{Door, DoorError, Options};
pub use health::{Health, Metrics};
pub use problem::Problem;
pub use routes::router;
pub use state::{Info, ServerState};
pub use tokens::Tokens;
