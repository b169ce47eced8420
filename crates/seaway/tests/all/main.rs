//! The real binary on temporary folders and free ports: every contract of the command line and of a service that can be run.

mod apply;
mod backup;
mod commands;
mod kubectl;
mod promotions;
mod running;
mod serve;
mod steering;
mod stopping;
mod target;
