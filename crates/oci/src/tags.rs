//! The list of a repository's tags, page by page (OCI distribution 1.1, section *Listing tags*).

use crate::client::Call;
use crate::{OciError, Remote};
use reqwest::header::{ETAG, HeaderMap, IF_NONE_MATCH, LINK};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;

/// Tags asked for at once; a registry may give fewer, or all.
const PAGE_TAGS: usize = 1000;
/// No list has more pages.
const MAX_PAGES: usize = 2000;
/// No page is longer: a registry without pages sends all tags at once.
const MAX_PAGE_BYTES: usize = 32 << 20;

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

impl Remote {
    /// All tags, as the registry orders them, each once.
    ///
    /// # Errors
    /// [`OciError`]; [`OciError::NoRepository`] where there is none.
    pub async fn tags(&self) -> Result<Arc<Vec<String>>, OciError> {
        let key = (self.key.clone(), self.repository.name.clone());
        let known = self.shared.tag_lists.get(&key);
        let first = self.url(&format!("tags/list?n={PAGE_TAGS}")).await?;
        let mut url = first.clone();
        let mut asked = HashSet::new();
        let mut tags = Vec::new();
        let mut etag = None;
        loop {
            if !asked.insert(url.to_string()) || asked.len() > MAX_PAGES {
                return Err(OciError::invalid(&self.repository, "list of tags", "its pages do not end"));
            }
            let mut call = Call::new(Method::GET, url.clone());
            if let Some((etag, _)) = known.as_ref().filter(|_| url == first) {
                call = call.header(IF_NONE_MATCH, etag.clone());
            }
            let response = self.send(&call).await?;
            if let Some((_, known)) = known.as_ref().filter(|_| response.status() == StatusCode::NOT_MODIFIED) {
                return Ok(Arc::clone(known));
            }
            let next = next_page(response.headers(), &url);
            let tagged = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let bytes = self.body(response, None, MAX_PAGE_BYTES).await?;
            let page: Page =
                serde_json::from_slice(&bytes).map_err(|err| OciError::invalid(&self.repository, "list of tags", err))?;
            tags.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) => url = next,
                // The ETag of one page speaks for the list only where it is the only page.
                None if asked.len() == 1 => break etag = tagged,
                None => break,
            }
        }
        let mut seen = HashSet::new();
        tags.retain(|tag| seen.insert(tag.clone()));
        let tags = Arc::new(tags);
        if let Some(etag) = etag {
            self.shared.tag_lists.insert(key, (etag, Arc::clone(&tags)));
        }
        Ok(tags)
    }
}

/// The next page of `Link: <…>; rel="next"`, always at the same registry: only path and query are taken.
fn next_page(headers: &HeaderMap, url: &Url) -> Option<Url> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    let is_next = |link: &str| {
        let (target, parameters) = link.split_once('>')?;
        let next = parameters.replace(['"', ' '], "").to_lowercase().split(';').any(|part| part == "rel=next");
        next.then(|| target.trim().trim_start_matches('<').to_owned())
    };
    let target = url.join(&links.into_iter().find_map(is_next)?).ok()?;
    let mut next = url.clone();
    next.set_path(target.path());
    next.set_query(target.query());
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(link: &str, next: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, link.parse().unwrap());
        let url = Url::parse("https://r.example/v2/a/tags/list?n=2").unwrap();
        assert_eq!(next_page(&headers, &url).map(|url| url.to_string()).as_deref(), next, "{link}");
    }

    #[test]
    fn links_are_followed_at_the_same_registry_only() {
        check("</v2/a/tags/list?n=2&last=b>; rel=\"next\"", Some("https://r.example/v2/a/tags/list?n=2&last=b"));
        check("<?last=b>;rel=next", Some("https://r.example/v2/a/tags/list?last=b"));
        check("<http://169.254.169.254/x?y>; rel=\"next\"", Some("https://r.example/x?y"));
        check("</a>; rel=\"prev\", </b>; rel=\"next\"", Some("https://r.example/b"));
        check("</a>; rel=\"prev\"", None);
        check("nonsense", None);
    }
}
