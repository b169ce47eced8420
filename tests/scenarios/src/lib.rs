//! The whole control plane in one process, on a temporary folder, with a git server and a registry beside it.
