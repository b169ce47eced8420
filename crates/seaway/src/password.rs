//! Passwords: asked for without echo, read from standard input, or made up.

use crate::exit::Failure;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use std::io::{IsTerminal as _, Read as _};

/// Longer are no two passwords.
const LENGTH_MAX: u64 = 4096;
/// What to do where nobody can be asked for a new password.
const STDIN_OR_MADE_UP: &str = "--password-stdin or --generate";
/// What to do where nobody can be asked for the present one.
const PRESENT_FIRST: &str = "--password-stdin reads the present password from the first line and the new one from the second";
/// Crockford's: nobody mistakes one letter for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Where a new password comes from.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Source {
    /// Read the password from standard input, a line; where `passwd` sets your own, the present one is the line before
    #[arg(long, conflicts_with = "generate")]
    password_stdin: bool,
    /// Make a password up and show it once
    #[arg(long)]
    generate: bool,
}

/// A new password, and whether nobody knows it yet.
pub(crate) struct New {
    pub(crate) password: Secret<String>,
    pub(crate) is_made_up: bool,
}

impl New {
    fn typed(password: Secret<String>) -> Result<Self, Failure> {
        if password.reveal().is_empty() {
            return Err(Failure::new("the password is empty", "type one, or take --generate"));
        }
        Ok(Self { password, is_made_up: false })
    }
}

impl Source {
    /// The new password of `user`.
    ///
    /// # Errors
    /// None was given, or the two that were typed differ.
    pub(crate) fn read(self, user: &str) -> Result<New, Failure> {
        if self.generate {
            return Ok(New { password: generated(), is_made_up: true });
        }
        let password = if self.password_stdin {
            let [password] = from_stdin()?;
            password
        } else {
            let first = typed(&format!("new password of {user}: "), STDIN_OR_MADE_UP)?;
            if typed("the same again: ", STDIN_OR_MADE_UP)? != first {
                return Err(Failure::new("the two passwords differ", "type the same twice, or take --generate"));
            }
            first
        };
        New::typed(password)
    }

    /// The present password of `user` and the new one, for who changes their own.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub(crate) fn read_own(self, user: &str) -> Result<(Secret<String>, New), Failure> {
        if !self.password_stdin {
            let present = typed(&format!("present password of {user}: "), PRESENT_FIRST)?;
            return Ok((present, self.read(user)?));
        }
        let [present, password] = from_stdin()?;
        if password.reveal().is_empty() {
            return Err(Failure::new("standard input has one line, and one's own password takes two", PRESENT_FIRST));
        }
        Ok((present, New::typed(password)?))
    }
}

/// The password of `user`, who signs in.
///
/// # Errors
/// There is nobody to ask, or nothing on standard input.
pub(crate) fn of_user(user: &str, stdin: bool) -> Result<Secret<String>, Failure> {
    let password = if stdin {
        let [password] = from_stdin()?;
        password
    } else {
        typed(&format!("password of {user}: "), "--password-stdin")?
    };
    if password.reveal().is_empty() {
        return Err(Failure::new("the password is empty", "type it, or put it on standard input for --password-stdin"));
    }
    Ok(password)
}

/// A hundred random bits, in groups that can be read out.
pub(crate) fn generated() -> Secret<String> {
    let letters = secret_bytes::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    Secret::new(groups.join("-"))
}

/// The first lines of standard input; one that is not there is empty.
fn from_stdin<const N: usize>() -> Result<[Secret<String>; N], Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LENGTH_MAX).read_to_string(&mut text);
    read.map_err(|err| Failure::io("read the password from standard input", &err))?;
    let mut lines = text.lines();
    Ok(std::array::from_fn(|_| Secret::new(lines.next().unwrap_or_default().to_owned())))
}

fn typed(prompt: &str, instead: &str) -> Result<Secret<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the password", instead));
    }
    let typed = rpassword::prompt_password(prompt).map_err(|err| Failure::io("ask for the password", &err))?;
    Ok(Secret::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_made_up_can_be_read_out_and_is_never_the_same() {
        let one = generated();
        assert_eq!(one.reveal().len(), 23);
        assert!(one.reveal().bytes().all(|byte| byte == b'-' || LETTERS.contains(&byte)));
        assert_ne!(one, generated());
    }
}
