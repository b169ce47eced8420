//! Discovery: which tags, commits and chart versions a subscription takes, best first, asking for as little as it can.

mod tags;

pub use tags::TagFilter;
