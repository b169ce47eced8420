//! `cargo xtask setup`: installs what the tests run against, or prints the exact command that would. The only one of these commands that uses
//! the network.

use crate::{parts, run};
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

/// What the tests run against, and the Debian package it comes in.
const DEBIAN: &[(&str, &str)] = &[
    ("/usr/bin/docker-registry", "docker-registry"),
    ("/usr/bin/skopeo", "skopeo"),
    ("/usr/sbin/nginx", "nginx-light"),
    ("/usr/sbin/fcgiwrap", "fcgiwrap"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/bin/curl", "curl"),
    ("/usr/bin/chromium", "chromium"),
    ("/usr/bin/certutil", "libnss3-tools"),
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core"),
];

/// Debian's packages and the Go parts; crates are fetched by `make setup`.
pub(crate) fn run(root: &Path) -> Result<()> {
    debian()?;
    parts::run(root, false)
}

fn debian() -> Result<()> {
    let missing: Vec<&str> = DEBIAN.iter().filter(|(file, _)| !Path::new(file).exists()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get update && apt-get install -y --no-install-recommends {}", missing.join(" "));
    let root = run::first_line("id", &["-u"]).as_deref() == Some("0");
    let sudo = !root && run::first_line("sudo", &["-n", "id", "-u"]).as_deref() == Some("0");
    if !(root || sudo) || run::first_line("apt-get", &["--version"]).is_none() {
        bail!("the tests need {}; as root run:\n  {by_hand}", missing.join(", "));
    }
    println!("setup: {by_hand}");
    let program = if sudo { "sudo" } else { "env" };
    let apt =
        |args: &[&str]| run::status(Command::new(program).args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]).args(args));
    apt(&["update"])?;
    // A package that starts a service must not: the tests start their own on free ports.
    let install = [&["install", "-y", "--no-install-recommends"], missing.as_slice()].concat();
    apt(&install)
}
