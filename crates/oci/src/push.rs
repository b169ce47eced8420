//! Pushing blobs and manifests.

use crate::client::Call;
use crate::{OciError, Reference, Remote, TinyImage, digest_of};
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};

impl Remote {
    /// Pushes a blob in one piece, unless it is there, and returns its digest.
    ///
    /// # Errors
    /// [`OciError`].
    pub async fn push_blob(&self, bytes: Bytes) -> Result<String, OciError> {
        let digest = digest_of(&bytes);
        let there = Call { push: true, ..Call::new(Method::HEAD, self.url(&format!("blobs/{digest}")).await?) };
        if self.send(&there).await?.status().is_success() {
            return Ok(digest);
        }
        let begin = Call { push: true, ..Call::new(Method::POST, self.url("blobs/uploads/").await?) };
        let begun = self.send(&begin).await?;
        if begun.status() != StatusCode::ACCEPTED {
            return Err(self.failure(begun, None, "push").await);
        }
        let location = begun.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let joined = begin.url.join(location);
        let mut url = joined.map_err(|err| OciError::invalid(&self.repository, "upload address", err))?;
        if url.origin() != begin.url.origin() {
            // Our login belongs to the registry alone.
            return Err(OciError::invalid(&self.repository, "upload address", "it lies at another host"));
        }
        url.query_pairs_mut().append_pair("digest", &digest);
        let call = Call { push: true, body: Some(bytes), ..Call::new(Method::PUT, url) };
        let done = self.send(&call.header(CONTENT_TYPE, "application/octet-stream")).await?;
        if done.status().is_success() { Ok(digest) } else { Err(self.failure(done, None, "push").await) }
    }

    /// Pushes a manifest under a tag or its digest and returns its digest. What it names must be there.
    ///
    /// # Errors
    /// [`OciError`].
    pub async fn push_manifest(&self, reference: &Reference, media_type: &str, bytes: Bytes) -> Result<String, OciError> {
        let digest = digest_of(&bytes);
        let url = self.url(&format!("manifests/{reference}")).await?;
        let call = Call { push: true, body: Some(bytes), ..Call::new(Method::PUT, url) };
        let done = self.send(&call.header(CONTENT_TYPE, media_type)).await?;
        if done.status().is_success() { Ok(digest) } else { Err(self.failure(done, Some(reference), "push").await) }
    }

    /// Pushes a tiny image under a tag and returns the digest of its manifest or index.
    ///
    /// # Errors
    /// [`OciError`].
    pub async fn push_image(&self, tag: &str, image: &TinyImage) -> Result<String, OciError> {
        let built = image.build();
        for blob in built.blobs {
            self.push_blob(blob).await?;
        }
        for (media_type, bytes) in built.manifests {
            let reference = Reference::Digest(digest_of(&bytes));
            self.push_manifest(&reference, media_type, bytes).await?;
        }
        let (media_type, bytes) = built.top;
        self.push_manifest(&Reference::Tag(tag.to_owned()), media_type, bytes).await
    }
}
