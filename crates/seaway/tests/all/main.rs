//! The real binary on temporary folders and free ports: every contract of the command line and of a service that can be run.

mod apply;
mod backup;
mod canary;
mod commands;
mod errors;
mod kubectl;
mod parked;
mod promotions;
mod running;
mod serve;
mod steering;
mod stopping;
mod target;
mod tls;
