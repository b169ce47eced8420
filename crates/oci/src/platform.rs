//! Operating system and architecture an image was built for.

use crate::OciError;
use std::fmt;

/// `os/arch` or `os/arch/variant`; compared letter by letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The architecture.
    pub arch: String,
    /// The variant, empty if there is none.
    pub variant: String,
}

impl Platform {
    /// Reads `os/arch[/variant]`.
    ///
    /// # Errors
    /// [`OciError::Platform`].
    pub fn parse(text: &str) -> Result<Self, OciError> {
        let bad = || OciError::Platform { text: text.to_owned() };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, arch, variant) = match parts[..] {
            [os, arch] => (os, arch, ""),
            [os, arch, variant] => (os, arch, variant),
            _ => return Err(bad()),
        };
        if os.is_empty() || arch.is_empty() {
            return Err(bad());
        }
        Ok(Self { os: os.to_owned(), arch: arch.to_owned(), variant: variant.to_owned() })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)?;
        if self.variant.is_empty() { Ok(()) } else { write!(f, "/{}", self.variant) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_or_three_parts() {
        let check = |text: &str, shown: Option<&str>| {
            assert_eq!(Platform::parse(text).ok().map(|read| read.to_string()).as_deref(), shown, "{text}");
        };
        check("linux/amd64", Some("linux/amd64"));
        check("linux/arm/v7", Some("linux/arm/v7"));
        check("linux/amd64/", Some("linux/amd64"));
        check("linux", None);
        check("linux/", None);
        check("a/b/c/d", None);
    }
}
