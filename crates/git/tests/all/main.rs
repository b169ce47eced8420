//! The git room from outside: mirrors and pushes against a real server, work folders against real git and Kargo's records.

mod common;
mod discovery;
mod folder;
mod look;
mod pushes;
mod random;
mod remote;
mod vectors;
mod work;
