//! Passwords: asked for without echo, read from standard input, or made up.

use crate::exit::Failure;
use seaway_base::Secret;
use seaway_base::ids::secret_bytes;
use std::io::{IsTerminal as _, Read as _};

/// Longer is no password.
const LENGTH_MAX: u64 = 1024;
/// Crockford's: nobody mistakes one letter for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Where a new password comes from.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Source {
    /// Read the password from standard input, up to its end or the first line's
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
            from_stdin()?
        } else {
            let first = typed(&format!("new password of {user}: "))?;
            if typed("the same again: ")? != first {
                return Err(Failure::new("the two passwords differ", "type the same twice, or take --generate"));
            }
            first
        };
        if password.reveal().is_empty() {
            return Err(Failure::new("the password is empty", "type one, or take --generate"));
        }
        Ok(New { password, is_made_up: false })
    }

    /// The present password of `user`, for who changes their own.
    ///
    /// # Errors
    /// There is nobody to ask.
    pub(crate) fn present(user: &str) -> Result<Secret<String>, Failure> {
        typed(&format!("present password of {user}: "))
    }
}

/// The password of `user`, who signs in.
///
/// # Errors
/// There is nobody to ask, or nothing on standard input.
pub(crate) fn of_user(user: &str, stdin: bool) -> Result<Secret<String>, Failure> {
    let password = if stdin { from_stdin()? } else { typed(&format!("password of {user}: "))? };
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

fn from_stdin() -> Result<Secret<String>, Failure> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LENGTH_MAX).read_to_string(&mut text);
    read.map_err(|err| Failure::io("read the password from standard input", &err))?;
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn typed(prompt: &str) -> Result<Secret<String>, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the password", "--password-stdin or --generate"));
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
