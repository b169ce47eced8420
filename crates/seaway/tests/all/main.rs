//! The real binary on temporary folders and free ports: every contract of the command line and of a service that can be run.

mod apply;
mod asking;
mod backup;
mod bank;
mod canary;
mod canary_door;
mod commands;
mod errors;
mod fuzz;
mod kubectl;
mod oidc;
mod parked;
mod people;
mod promotions;
mod refusals;
mod repeats;
mod rights;
mod running;
mod serve;
mod steering;
mod stopping;
mod streams;
mod target;
mod tls;
