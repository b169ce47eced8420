//! Manifests: YAML edited without touching any other byte, kustomizations, and the tools that render them, in a jail.

pub mod kustomization;
pub mod kustomize;
pub mod yaml;
