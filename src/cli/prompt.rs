//! Asking for a password without showing it.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};

/// How a command gets passwords.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArguments {
    /// Read each password that is needed from standard input, one a line
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArguments {
    /// An existing password.
    pub(crate) fn ask(&self, prompt: &str) -> anyhow::Result<SecretString> {
        if self.password_stdin {
            return first_line(&mut io::stdin().lock());
        }
        if !io::stdin().is_terminal() {
            bail!("there is no terminal to ask for a password on: use `--password-stdin`");
        }
        let password = rpassword::prompt_password(prompt).context("cannot ask for the password")?;
        Ok(password.into())
    }

    /// A new password, asked for twice if by hand.
    pub(crate) fn ask_new(&self, prompt: &str) -> anyhow::Result<SecretString> {
        let password = self.ask(prompt)?;
        if !self.password_stdin {
            let again = self.ask("Once more: ")?;
            if password.expose_secret() != again.expose_secret() {
                bail!("the passwords differ");
            }
        }
        Ok(password)
    }
}

/// Asks for something that may be seen.
pub(crate) fn ask(prompt: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask for a username on: use `--username`");
    }
    eprint!("{prompt}");
    io::stderr().flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

fn first_line(input: &mut impl BufRead) -> anyhow::Result<SecretString> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("cannot read the password from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("standard input holds no password");
    }
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_as_it_stands() {
        for input in [" a b \n", " a b \r\nmore\n", " a b "] {
            let password = first_line(&mut input.as_bytes()).unwrap();
            assert_eq!(password.expose_secret(), " a b ");
        }
    }

    #[test]
    fn an_empty_line_is_no_password() {
        for input in ["", "\n", "\r\nmore"] {
            let error = first_line(&mut input.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), "standard input holds no password");
        }
    }
}
