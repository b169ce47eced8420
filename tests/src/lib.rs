//! What is tested across rooms: Kargo's own answers, generated pages, examples, real parts.

pub mod vectors;
