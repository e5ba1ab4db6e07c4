//! The settings of the commands that call a server.

use std::path::PathBuf;

use secrecy::SecretString;

/// Which server to call, as whom, and where logins are kept.
#[derive(Debug, Clone)]
pub(crate) struct ClientConfig {
    /// `SKEP_URL`: overrides the server that was logged in to.
    pub(crate) url: Option<String>,
    /// `SKEP_TOKEN`: overrides the login.
    pub(crate) token: Option<SecretString>,
    /// `session.json` in the user's folder of settings, if the user has one.
    pub(crate) session_file: Option<PathBuf>,
}

impl ClientConfig {
    /// Reads the environment.
    pub(crate) fn load() -> Self {
        let config_home = variable("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            // What the XDG specification says about relative paths.
            .filter(|path| path.is_absolute())
            .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config")));
        Self {
            url: variable("SKEP_URL"),
            token: variable("SKEP_TOKEN").map(SecretString::from),
            session_file: config_home.map(|home| home.join("skep").join("session.json")),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "`config` reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
