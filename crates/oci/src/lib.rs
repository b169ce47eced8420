//! Speaks with OCI registries: lists tags, reads when and for what an image was built, pushes small images.

mod auth;
mod cache;
mod client;
mod error;
mod image;
mod pace;
mod platform;
mod push;
mod reference;
mod space;
mod tags;
mod tiny;

pub use client::{Manifest, Registries, RegistryOptions, Remote};
pub use error::OciError;
pub use image::ImageInfo;
pub use platform::Platform;
pub use reference::{Reference, Repository, digest_of};
pub use seaway_base::secret::Credential;
pub use tiny::{TinyImage, TinyPart};
