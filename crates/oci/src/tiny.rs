//! Images without content that are valid all the same: for the demo, rehearsal and tests.

use crate::{Platform, digest_of};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image to be pushed: one manifest, or an index where `parts` says so.
#[derive(Debug, Clone, Default)]
pub struct TinyImage {
    /// Goes into the configuration, so that two images differ.
    pub build: String,
    /// When it was built.
    pub created: Option<Timestamp>,
    /// Labels of the configuration.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest, or of the index.
    pub annotations: BTreeMap<String, String>,
    /// Entries of the index; none for an image of one manifest, which is for `linux/amd64`.
    pub parts: Vec<TinyPart>,
}

/// One entry of an index.
#[derive(Debug, Clone, Default)]
pub struct TinyPart {
    /// What it is for; `None` makes it an attestation, which is for `unknown/unknown`.
    pub platform: Option<Platform>,
    /// When it was built.
    pub created: Option<Timestamp>,
    /// Annotations of its entry in the index.
    pub annotations: BTreeMap<String, String>,
}

/// The pieces, in the order in which a registry takes them.
pub(crate) struct Built {
    pub(crate) blobs: Vec<Bytes>,
    pub(crate) manifests: Vec<(&'static str, Bytes)>,
    pub(crate) top: (&'static str, Bytes),
}

impl TinyImage {
    /// An image built at that instant; `build` tells it from others.
    pub fn new(build: impl Into<String>, created: Timestamp) -> Self {
        Self { build: build.into(), created: Some(created), ..Self::default() }
    }

    pub(crate) fn build(&self) -> Built {
        // An archive without files is two empty blocks.
        let layer = Bytes::from_static(&[0; 1024]);
        let mut blobs = vec![layer.clone()];
        if self.parts.is_empty() {
            let config = self.config(&layer, self.created, None);
            let manifest = manifest(&config, &layer, &self.annotations);
            blobs.push(config);
            return Built { blobs, manifests: Vec::new(), top: (MANIFEST, manifest) };
        }
        let mut manifests = Vec::new();
        let mut entries = Vec::new();
        for part in &self.parts {
            let config = self.config(&layer, part.created, part.platform.as_ref());
            let manifest = manifest(&config, &layer, &BTreeMap::new());
            let mut entry = descriptor(MANIFEST, &manifest);
            entry["platform"] = match &part.platform {
                None => json!({ "os": "unknown", "architecture": "unknown" }),
                Some(platform) if platform.variant.is_empty() => json!({ "os": platform.os, "architecture": platform.arch }),
                Some(platform) => json!({ "os": platform.os, "architecture": platform.arch, "variant": platform.variant }),
            };
            annotate(&mut entry, &part.annotations);
            entries.push(entry);
            blobs.push(config);
            manifests.push((MANIFEST, manifest));
        }
        let mut index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        annotate(&mut index, &self.annotations);
        Built { blobs, manifests, top: (INDEX, Bytes::from(index.to_string())) }
    }

    fn config(&self, layer: &Bytes, created: Option<Timestamp>, platform: Option<&Platform>) -> Bytes {
        let (os, arch) = platform.map_or(("linux", "amd64"), |platform| (&platform.os, &platform.arch));
        let mut config = json!({
            "architecture": arch,
            "os": os,
            "author": self.build,
            "config": { "Labels": self.labels },
            "rootfs": { "type": "layers", "diff_ids": [digest_of(layer)] },
        });
        if let Some(created) = created {
            config["created"] = json!(created.to_string());
        }
        Bytes::from(config.to_string())
    }
}

fn descriptor(media_type: &str, bytes: &Bytes) -> Value {
    json!({ "mediaType": media_type, "digest": digest_of(bytes), "size": bytes.len() })
}

fn annotate(json: &mut Value, annotations: &BTreeMap<String, String>) {
    if !annotations.is_empty() {
        json["annotations"] = json!(annotations);
    }
}

fn manifest(config: &Bytes, layer: &Bytes, annotations: &BTreeMap<String, String>) -> Bytes {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer)],
    });
    annotate(&mut manifest, annotations);
    Bytes::from(manifest.to_string())
}
