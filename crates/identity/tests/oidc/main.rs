//! Sign-in by an OpenID Connect provider: a hostile one of our own, and a real one.

mod hostile;
mod node;
mod outages;
mod real;
mod refused;
