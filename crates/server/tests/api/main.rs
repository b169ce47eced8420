//! `/seaway/v1` on the embedded engine: what is answered, to whom, and what is refused.

mod live;
mod refused;
mod repeats;
mod routes;
mod support;
mod written;
