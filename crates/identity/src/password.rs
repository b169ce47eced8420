//! Passwords: argon2id, two at a time, and the same work for names that nobody has.

use crate::error::IdentityError;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Characters a password has at the least.
const LENGTH_MIN: usize = 12;
/// Bytes it has at the most.
const BYTES_MAX: usize = 1024;
/// Checked at one time: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// Waiting for their turn, beside those.
const QUEUE: usize = 30;

/// A password that cannot be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("the password is too short: take {LENGTH_MIN} characters or more; a few words do")]
    Short,
    /// Too long.
    #[error("the password is too long: {BYTES_MAX} bytes are enough")]
    Long,
    /// The user's own name, or one character again and again.
    #[error("the password is too easy to guess: neither the user's name nor one character again and again")]
    Easy,
}

/// Lets a password pass for that user.
pub(crate) fn check(user: &str, password: &Secret<String>) -> Result<(), PasswordError> {
    let password = password.reveal();
    let first = password.chars().next();
    if password.chars().count() < LENGTH_MIN {
        Err(PasswordError::Short)
    } else if password.len() > BYTES_MAX {
        Err(PasswordError::Long)
    } else if password.eq_ignore_ascii_case(user) || password.chars().all(|letter| Some(letter) == first) {
        Err(PasswordError::Easy)
    } else {
        Ok(())
    }
}

/// Hashes and checks passwords away from the threads that answer.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// The hash of a password that nobody knows: names that nobody has cost as much as others.
    nobodys: String,
}

/// A place at which one password is checked.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) async fn new() -> Result<Self, IdentityError> {
        let nobodys = away(|| hash(&hex::encode(secret_bytes::<32>()))).await??;
        let (turns, queue) = (Semaphore::new(AT_ONCE), Semaphore::new(AT_ONCE + QUEUE));
        Ok(Self { turns: Arc::new(turns), queue: Arc::new(queue), nobodys })
    }

    /// Waits for a turn; where too many wait already, none is given.
    pub(crate) async fn turn(&self) -> Result<Turn, IdentityError> {
        let place = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| IdentityError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| IdentityError::Busy)?;
        Ok(Turn { _turn: turn, _place: place })
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: &Secret<String>) -> Result<String, IdentityError> {
        let turn = self.turn().await?;
        let password = password.clone();
        away(move || {
            // The turn is given back by the thread that does the work, whatever becomes of who waits.
            let _turn = turn;
            hash(password.reveal())
        })
        .await?
    }

    /// Whether it is the password of this hash. Without a hash it takes as long, and is not.
    pub(crate) async fn is(&self, turn: Turn, password: &Secret<String>, kept: Option<String>) -> Result<bool, IdentityError> {
        let (password, is_known) = (password.clone(), kept.is_some());
        let kept = kept.unwrap_or_else(|| self.nobodys.clone());
        let matches = away(move || {
            let _turn = turn;
            let fits = password.reveal().len() <= BYTES_MAX;
            let kept = PasswordHash::new(&kept);
            fits && kept.is_ok_and(|kept| Argon2::default().verify_password(password.reveal().as_bytes(), &kept).is_ok())
        })
        .await?;
        Ok(matches && is_known)
    }
}

fn hash(password: &str) -> Result<String, IdentityError> {
    let hash: Result<PasswordHash, _> = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|err| IdentityError::Refused(format!("hash the password: {err}")))
}

async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, IdentityError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| IdentityError::Busy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(password: &str, expected: PasswordError) {
        assert_eq!(check("very-long-name", &Secret::new(password.to_owned())), Err(expected));
    }

    #[test]
    fn a_password_that_is_easily_found_is_refused() {
        refused("elevenchars", PasswordError::Short);
        refused("üüüüüüüüüüü", PasswordError::Short);
        refused("aaaaaaaaaaaaaaaa", PasswordError::Easy);
        refused("Very-Long-Name", PasswordError::Easy);
        refused(&"ab".repeat(600), PasswordError::Long);
        assert_eq!(check("bob", &Secret::new("twelve chars".to_owned())), Ok(()));
    }

    #[tokio::test]
    async fn only_the_password_matches_its_hash() {
        let passwords = Passwords::new().await.unwrap();
        let right = Secret::new("correct horse battery".to_owned());
        let kept = passwords.hash(&right).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let is = async |password: &str, kept: Option<&str>| {
            let turn = passwords.turn().await.unwrap();
            passwords.is(turn, &Secret::new(password.to_owned()), kept.map(str::to_owned)).await.unwrap()
        };
        assert!(is(right.reveal(), Some(&kept)).await);
        assert!(!is("correct horse batterz", Some(&kept)).await);
        assert!(!is(right.reveal(), None).await);
        assert!(!is(right.reveal(), Some("no hash")).await);
    }

    #[tokio::test]
    async fn no_more_wait_than_there_are_places() {
        let passwords = Passwords::new().await.unwrap();
        let held: Vec<_> = [passwords.turn().await.unwrap(), passwords.turn().await.unwrap()].into();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(passwords.turn())).collect();
        for turn in &mut waiting {
            assert!(futures::poll!(turn.as_mut()).is_pending());
        }
        assert!(matches!(passwords.turn().await, Err(IdentityError::Busy)));
        drop(held);
        assert!(waiting.remove(0).await.is_ok());
    }
}
