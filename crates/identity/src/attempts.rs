//! Wrong passwords are counted by account and by address, each waits longer than the one before, and a restart forgets none.
//!
//! An address waits for what came from it, up to a quarter of an hour, and an account under attack makes strangers wait, a minute at
//! the most. Where an account's owner signed in from before, neither keeps the right password out, so that nobody is locked out for
//! good by what somebody else does, a neighbour behind the same address neither. A wrong password is answered there as it is for
//! strangers: no answer tells which names there are.

use crate::Identities;
use crate::book::{Book, Record, Shelf};
use crate::error::{IdentityError, SignInError};
use crate::secrets::{digest, name_of};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Wrong passwords of an account that cost nothing.
const FREE_OF_ACCOUNT: u32 = 5;
/// Wrong passwords from an address that cost nothing: many may sit behind one.
const FREE_OF_ADDRESS: u32 = 10;
/// What an account makes strangers wait at the most.
const ACCOUNT_MAX: Duration = Duration::from_secs(60);
/// What an address waits at the most.
const ADDRESS_MAX: Duration = Duration::from_secs(15 * 60);
/// Each such time without a wrong password takes one off a count.
const DECAY: SignedDuration = SignedDuration::from_mins(1);
/// No count is higher: it must come down in its time.
const N_MAX: u32 = 32;
/// After so long without a wrong password the count begins anew.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// An address is known for so long after a sign-in.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// An address that is known is written down again after so long.
const KNOWN_AGAIN: SignedDuration = SignedDuration::from_hours(24);
/// Addresses that an account knows.
const N_KNOWN_MAX: usize = 16;
/// How the count of an account begins.
const ACCOUNT: &str = "account ";
/// How the count begins of wrong passwords of an account, from an address that its owner signed in from, while strangers wait.
const KNOWN: &str = "known ";
/// Counts that are kept; the oldest give way.
const N_KEPT_MAX: usize = 4096;

/// How a password may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// As anybody's.
    Open,
    /// Only because the account's owner signed in from there before; whoever is wrong is told to wait, as strangers are.
    Known { wait: Duration },
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempts {
    /// `account bob`, `address 192.0.2.1` or `known bob at 192.0.2.1`; a name that is no user's is not told, for it may be a password in the wrong field.
    of: String,
    /// Wrong passwords.
    n: u32,
    last: Timestamp,
    /// Addresses that the account was signed in from, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    known: Vec<(IpAddr, Timestamp)>,
}

impl Record for Attempts {
    const WORD: &'static str = "attempts";
    fn shelf(book: &mut Book) -> &mut Shelf<Self> {
        &mut book.attempts
    }
    fn of(&self) -> &str {
        &self.of
    }
}

impl Attempts {
    /// How much longer to wait at `now`.
    fn wait(&self, free: u32, max: Duration, now: Timestamp) -> Duration {
        let since = now.duration_since(self.last);
        if self.n <= free || since > FORGOTTEN_AFTER {
            return Duration::ZERO;
        }
        let exponent = (self.n - free - 1).min(20);
        let delay = Duration::from_secs(1 << exponent).min(max);
        // A clock that was set back makes nobody wait longer than that.
        delay.saturating_sub(Duration::try_from(since).unwrap_or_default())
    }

    fn one_more(&self, now: Timestamp) -> Self {
        let since = now.duration_since(self.last);
        let n_over = u32::try_from(since.as_secs() / DECAY.as_secs()).unwrap_or_default();
        let before = if since > FORGOTTEN_AFTER { 0 } else { self.n.saturating_sub(n_over) };
        Self { n: before.saturating_add(1).min(N_MAX), last: now, ..self.clone() }
    }

    fn knows(&self, address: IpAddr, now: Timestamp, within: SignedDuration) -> bool {
        self.known.iter().any(|(known, at)| *known == address && now.duration_since(*at) <= within)
    }

    fn signed_in(&self, address: IpAddr, now: Timestamp) -> Self {
        let mut known: Vec<_> = self.known.iter().filter(|(known, _)| *known != address).copied().collect();
        known.push((address, now));
        let n_over = known.len().saturating_sub(N_KNOWN_MAX);
        Self { n: 0, known: known.split_off(n_over), ..self.clone() }
    }

    /// Is there nothing left to know?
    pub(crate) fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.last) > FORGOTTEN_AFTER && self.known.iter().all(|(_, at)| now.duration_since(*at) > KNOWN_FOR)
    }
}

/// The address that is counted: of IPv6 the network of 64 bits, for who has one address there has them all.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

fn of_account(name: &str) -> String {
    // A name that nobody can have is shortened: it is only counted.
    format!("{ACCOUNT}{}", name.chars().filter(|letter| !letter.is_control()).take(64).collect::<String>())
}

fn of_known(name: &str, address: IpAddr) -> String {
    format!("{KNOWN}{name} at {address}")
}

fn of_address(address: IpAddr) -> String {
    format!("address {address}")
}

fn key(of: &str) -> String {
    format!("attempts-{}", name_of(&digest(of)))
}

impl Identities {
    /// May a password of this account be tried from there now?
    ///
    /// # Errors
    /// [`SignInError::TooMany`].
    pub(crate) fn may_try(&self, name: &str, from: IpAddr) -> Result<Pass, SignInError> {
        let (now, address) = (self.kept().now(), counted(from));
        let book = self.kept().read();
        let of = |of: String| book.attempts.get(&key(&of)).map(|entry| &entry.record);
        let account = of(of_account(name));
        let by_address = of(of_address(address)).map(|attempts| attempts.wait(FREE_OF_ADDRESS, ADDRESS_MAX, now));
        let by_account = account.map(|attempts| attempts.wait(FREE_OF_ACCOUNT, ACCOUNT_MAX, now));
        let wait = by_address.max(by_account).unwrap_or_default();
        if wait.is_zero() {
            return Ok(Pass::Open);
        }
        let is_known = account.is_some_and(|attempts| attempts.knows(address, now, KNOWN_FOR));
        let own = of(of_known(name, address)).map(|attempts| attempts.wait(FREE_OF_ACCOUNT, ACCOUNT_MAX, now));
        if is_known && own.unwrap_or_default().is_zero() { Ok(Pass::Known { wait }) } else { Err(SignInError::TooMany { wait }) }
    }

    /// Writes a wrong password down, before anybody is told of it.
    pub(crate) async fn failed(&self, name: &str, from: IpAddr, pass: Pass) -> Result<(), IdentityError> {
        let (now, address) = (self.kept().now(), counted(from));
        let counts = match pass {
            Pass::Open => vec![of_account(name), of_address(address)],
            Pass::Known { .. } => vec![of_known(name, address)],
        };
        for of in counts {
            self.count(of, |attempts| Some(attempts.one_more(now))).await?;
        }
        self.make_room_for_attempts().await
    }

    /// Writes down where an account was signed in from.
    pub(crate) async fn succeeded(&self, name: &str, from: IpAddr) -> Result<(), IdentityError> {
        let (now, address) = (self.kept().now(), counted(from));
        let with = |attempts: &Attempts| {
            let is_as_it_was = attempts.n == 0 && attempts.knows(address, now, KNOWN_AGAIN);
            (!is_as_it_was).then(|| attempts.signed_in(address, now))
        };
        self.count(of_account(name), with).await?;
        let known = key(&of_known(name, address));
        self.kept().change(&known, |attempts: &Attempts| (attempts.n > 0).then(|| Attempts { n: 0, ..attempts.clone() })).await?;
        Ok(())
    }

    async fn count(&self, of: String, change: impl Fn(&Attempts) -> Option<Attempts> + Send) -> Result<(), IdentityError> {
        let name = key(&of);
        let is_there = self.kept().read().attempts.contains_key(&name);
        if !is_there {
            let is_known = of.strip_prefix(ACCOUNT).is_none_or(|name| self.kept().read().local(name).is_some());
            let of = if is_known { of } else { format!("{ACCOUNT}of nobody") };
            let fresh = Attempts { of, ..Attempts::default() };
            let Some(attempts) = change(&fresh) else { return Ok(()) };
            if self.kept().create(&name, attempts).await? {
                return Ok(());
            }
        }
        self.kept().change(&name, change).await.map(drop)
    }

    async fn make_room_for_attempts(&self) -> Result<(), IdentityError> {
        let oldest: Option<(String, String)> = {
            let book = self.kept().read();
            let oldest = book.attempts.iter().min_by_key(|(_, entry)| entry.record.last);
            oldest.filter(|_| book.attempts.len() > N_KEPT_MAX).map(|(name, entry)| (name.clone(), entry.uid.clone()))
        };
        match oldest {
            Some((name, uid)) => self.kept().remove::<Attempts>(&name, &uid).await.map(drop),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds to wait after `n` wrong passwords, right after the last.
    fn waits(n: u32, free: u32, max: Duration) -> u64 {
        Attempts { n, ..Attempts::default() }.wait(free, max, Timestamp::UNIX_EPOCH).as_secs()
    }

    #[test]
    fn each_wrong_password_costs_more_up_to_a_bound() {
        let of_account = |n| waits(n, FREE_OF_ACCOUNT, ACCOUNT_MAX);
        assert_eq!([0, 5, 6, 7, 8, 11, 12, 4000].map(of_account), [0, 0, 1, 2, 4, 32, 60, 60]);
        let of_address = |n| waits(n, FREE_OF_ADDRESS, ADDRESS_MAX);
        assert_eq!([10, 11, 20, 21, u32::MAX].map(of_address), [0, 1, 512, 900, 900]);
    }

    #[test]
    fn a_wait_ends_and_a_count_is_forgotten() {
        let attempts = Attempts { n: 9, ..Attempts::default() };
        let at = |second| Timestamp::from_second(second).unwrap();
        let wait = |second| attempts.wait(FREE_OF_ACCOUNT, ACCOUNT_MAX, at(second)).as_secs();
        assert_eq!([0, 3, 8, 4000].map(wait), [8, 5, 0, 0]);
        assert_eq!(wait(-1000), 8, "a clock that was set back");
        let next = |second| attempts.one_more(at(second)).n;
        assert_eq!([0, 59, 60, 500, 3600, 3601, -1000].map(next), [10, 10, 9, 2, 1, 1, 10]);
        assert_eq!(Attempts { n: N_MAX, ..attempts.clone() }.one_more(at(0)).n, N_MAX);
        assert!(!attempts.is_over(at(3600)) && attempts.is_over(at(3601)));
    }

    #[test]
    fn the_network_of_an_address_counts() {
        let same = |a: &str, b: &str| counted(a.parse().unwrap()) == counted(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    #[test]
    fn the_addresses_of_an_account_are_bounded() {
        let mut attempts = Attempts { n: 7, ..Attempts::default() };
        for last in 0..40 {
            attempts = attempts.signed_in(IpAddr::from([192, 0, 2, last]), Timestamp::UNIX_EPOCH);
        }
        assert_eq!((attempts.n, attempts.known.len()), (0, N_KNOWN_MAX));
        assert!(attempts.knows(IpAddr::from([192, 0, 2, 39]), Timestamp::UNIX_EPOCH, KNOWN_FOR));
    }
}
