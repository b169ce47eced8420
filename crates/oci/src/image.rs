//! What a tag stands for: digest, date and annotations, by the rules that Kargo has for image subscriptions.

use crate::client::Manifest;
use crate::{OciError, Platform, Reference, Remote};
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// No image's configuration is longer.
const MAX_CONFIG_BYTES: usize = 8 << 20;
/// No index has more entries that we read.
const MAX_ENTRIES: usize = 256;
/// Entries of an index read at once.
const ENTRIES_AT_ONCE: usize = 8;
/// Images read at once.
const IMAGES_AT_ONCE: usize = 32;

/// What is known about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageInfo {
    /// The digest of the manifest or of the index: what Freight records.
    pub digest: String,
    /// Of the entry for the platform, where a platform was asked for and this is an index.
    pub platform_digest: Option<String>,
    /// When it was built, if that is known.
    pub created_at: Option<Timestamp>,
    /// Of the image or index, and over them those of the entry for the platform.
    pub annotations: BTreeMap<String, String>,
    /// Does it have the platform that was asked for? Always true if none was. Only an index can have one.
    pub has_platform: bool,
}

/// One usable entry of an index.
struct Entry {
    digest: String,
    platform: Platform,
    annotations: BTreeMap<String, String>,
}

/// What one manifest (not an index) tells.
struct Single {
    created_at: Option<Timestamp>,
    annotations: BTreeMap<String, String>,
}

impl Remote {
    /// What a tag or digest stands for.
    ///
    /// Content is remembered by digest. With `fixed` the tag is taken to mean the same content for ever and is not asked for twice;
    /// a later call without `fixed` looks again, for all.
    ///
    /// # Errors
    /// [`OciError`]; [`OciError::NoImage`] where there is none.
    pub async fn image(
        &self,
        reference: &Reference,
        platform: Option<&Platform>,
        fixed: bool,
    ) -> Result<Arc<ImageInfo>, OciError> {
        let wanted = platform.map(ToString::to_string).unwrap_or_default();
        let key = |reference: Reference| (self.key.clone(), self.repository.name.clone(), reference, wanted.clone());
        let images = &self.shared.images;
        if let Reference::Tag(_) = reference
            && fixed
            && let Some(known) = images.get(&key(reference.clone()))
        {
            return Ok(known);
        }
        let digest = match reference {
            Reference::Digest(digest) => digest.clone(),
            Reference::Tag(_) => self.digest(reference).await?,
        };
        let by_digest = Reference::Digest(digest);
        let info = match images.get(&key(by_digest.clone())) {
            Some(known) => known,
            None => {
                let info = Arc::new(self.read_image(&by_digest, platform).await?);
                images.insert(key(by_digest), Arc::clone(&info));
                info
            }
        };
        // Whoever looks at a tag afresh also corrects what is remembered of it.
        let by_tag = key(reference.clone());
        if fixed || images.get(&by_tag).is_some_and(|known| known.digest != info.digest) {
            images.insert(by_tag, Arc::clone(&info));
        }
        Ok(info)
    }

    /// What many tags stand for, read side by side and given back in the order of `tags`.
    pub async fn images(
        &self,
        tags: &[String],
        platform: Option<&Platform>,
        fixed: bool,
    ) -> Vec<(String, Result<Arc<ImageInfo>, OciError>)> {
        let read = |tag: String| async move {
            let info = self.image(&Reference::Tag(tag.clone()), platform, fixed).await;
            (tag, info)
        };
        futures::stream::iter(tags.to_vec()).map(read).buffered(IMAGES_AT_ONCE).collect().await
    }

    async fn read_image(&self, reference: &Reference, platform: Option<&Platform>) -> Result<ImageInfo, OciError> {
        let manifest = self.manifest(reference).await?;
        if manifest.json["manifests"].is_array() {
            return self.read_index(&manifest, platform).await;
        }
        if manifest.json["schemaVersion"].as_u64() != Some(2) {
            let reason = format!("its type `{}` is none we know", manifest.media_type);
            return Err(OciError::invalid(&self.repository, format!("manifest of `{reference}`"), reason));
        }
        let info = |single: Single, has_platform| ImageInfo {
            digest: manifest.digest.clone(),
            platform_digest: None,
            created_at: single.created_at,
            annotations: single.annotations,
            has_platform,
        };
        if platform.is_some() {
            return Ok(info(Single { created_at: None, annotations: BTreeMap::new() }, false));
        }
        Ok(info(self.read_single(&manifest).await?, true))
    }

    async fn read_index(&self, index: &Manifest, platform: Option<&Platform>) -> Result<ImageInfo, OciError> {
        let entries = entries(&index.json);
        if entries.is_empty() {
            let reason = "no entry of it names its platform";
            return Err(OciError::invalid(&self.repository, format!("index `{}`", index.digest), reason));
        }
        let mut info = ImageInfo {
            digest: index.digest.clone(),
            platform_digest: None,
            created_at: None,
            annotations: annotations(&index.json),
            has_platform: true,
        };
        let chosen = platform.map(|wanted| entries.iter().find(|entry| entry.platform == *wanted));
        if let Some(None) = chosen {
            info.has_platform = false;
            return Ok(info);
        }
        let own_date = dated(&info.annotations);
        if let Some(Some(entry)) = chosen {
            info.platform_digest = Some(entry.digest.clone());
            info.annotations.extend(entry.annotations.clone());
        }
        let singles: Vec<Single> = if own_date.is_some() {
            Vec::new()
        } else {
            let read = |digest: String| async move {
                let manifest = self.manifest(&Reference::Digest(digest)).await?;
                self.read_single(&manifest).await
            };
            let digests: Vec<String> = entries.iter().map(|entry| entry.digest.clone()).collect();
            futures::stream::iter(digests).map(read).buffered(ENTRIES_AT_ONCE).try_collect().await?
        };
        info.created_at = own_date.or_else(|| singles.iter().filter_map(|single| single.created_at).max());
        if let Some(Some(entry)) = chosen {
            let at = entries.iter().position(|other| other.digest == entry.digest).and_then(|at| singles.get(at));
            let more = match at {
                Some(single) => single.annotations.clone(),
                None => annotations(&self.manifest(&Reference::Digest(entry.digest.clone())).await?.json),
            };
            info.annotations.extend(more);
        }
        Ok(info)
    }

    async fn read_single(&self, manifest: &Manifest) -> Result<Single, OciError> {
        let annotations = annotations(&manifest.json);
        if let Some(date) = dated(&annotations) {
            return Ok(Single { created_at: Some(date), annotations });
        }
        let Some(digest) = manifest.json["config"]["digest"].as_str() else {
            return Ok(Single { created_at: None, annotations });
        };
        let bytes = self.blob(digest, MAX_CONFIG_BYTES).await?;
        let invalid = |err| OciError::invalid(&self.repository, format!("configuration of `{}`", manifest.digest), err);
        let config: Value = serde_json::from_slice(&bytes).map_err(invalid)?;
        let created = config["created"].as_str().and_then(date);
        let labelled = dated(&strings(&config["config"]["Labels"]));
        Ok(Single { created_at: created.max(labelled), annotations })
    }
}

fn date(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// The date that annotations or labels carry, if one can be read.
fn dated(pairs: &BTreeMap<String, String>) -> Option<Timestamp> {
    let keys = ["org.opencontainers.image.created", "org.label-schema.build-date"];
    keys.iter().find_map(|key| pairs.get(*key).and_then(|text| date(text)))
}

fn strings(json: &Value) -> BTreeMap<String, String> {
    let pairs = json.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn annotations(json: &Value) -> BTreeMap<String, String> {
    strings(&json["annotations"])
}

/// The entries that name their platform; attestations name `unknown/unknown`.
fn entries(index: &Value) -> Vec<Entry> {
    let read = |json: &Value| {
        let text = |name: &str| json["platform"][name].as_str().unwrap_or_default().to_owned();
        let platform = Platform { os: text("os"), arch: text("architecture"), variant: text("variant") };
        let named = |text: &str| !text.is_empty() && text != "unknown";
        let usable = named(&platform.os) && named(&platform.arch);
        let digest = json["digest"].as_str()?.to_owned();
        usable.then(|| Entry { digest, platform, annotations: annotations(json) })
    };
    index["manifests"].as_array().into_iter().flatten().filter_map(read).take(MAX_ENTRIES).collect()
}
