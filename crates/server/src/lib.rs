//! The door: the control plane's port, with TLS, a token, health and metrics; behind it the Kubernetes API.

pub mod backup;
pub mod door;
pub mod health;
pub mod kubeconfig;
pub mod private;
pub mod tls;
pub mod tokens;

pub use door::{Door, DoorError, Options};
pub use health::{Health, Metrics};
pub use tokens::Tokens;
