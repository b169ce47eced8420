//! The door: the control plane's port, with TLS, who asks, `/seaway/v1`, the page, health and metrics; behind it the Kubernetes API.

pub mod api;
mod api_tokens;
mod authenticate;
pub mod backup;
mod connection;
pub mod door;
pub mod fingerprint;
pub mod health;
pub mod idempotency;
pub mod kubeconfig;
mod leaf;
pub mod limits;
pub mod live;
pub mod oidc;
pub mod openapi;
pub mod page;
pub mod private;
pub mod problem;
pub mod reach;
pub mod routes;
pub mod service_tokens;
mod session;
pub mod state;
mod status;
pub mod tls;
pub mod tokens;
mod users;

pub use door::{Door, DoorError, Options};
pub use health::{Health, Metrics};
pub use problem::Problem;
pub use reach::Reach;
pub use routes::router;
pub use service_tokens::ServiceTokens;
pub use state::{Info, ServerState};
pub use tokens::Tokens;
