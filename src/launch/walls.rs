//! Which walls this machine's kernel puts around programs that are trusted with nothing.

use std::collections::HashMap;
use std::fmt;
use std::process::Stdio;

use super::apart::restrictions;
use super::{DeathSignal, own_binary, spawn};

/// What was found around a program that was started behind all walls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walls {
    /// The version of Landlock's interface, 0 where the kernel has none: which files.
    landlock: u32,
    /// No network.
    network: bool,
    /// No other processes, and none that stay behind.
    processes: bool,
    /// Who it runs as.
    user: u32,
}

impl Walls {
    /// Starts a program behind them, and lets it look.
    ///
    /// # Errors
    ///
    /// When programs cannot be started at all.
    pub(crate) async fn find() -> anyhow::Result<Self> {
        let own = own_binary();
        let mut command = restrictions()
            .dying_with_us(DeathSignal::Kill)
            .command(&own, &own);
        command
            .arg("walls")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = spawn(command).await?.wait_with_output().await?;
        let text = String::from_utf8_lossy(&output.stdout);
        let network = std::fs::read_link("/proc/self/ns/net")?;
        Self::read(&text, &network.to_string_lossy()).ok_or_else(|| {
            let words = String::from_utf8_lossy(&output.stderr);
            anyhow::anyhow!("{}: {}", output.status, words.trim())
        })
    }

    fn read(text: &str, own_network: &str) -> Option<Self> {
        let found: HashMap<&str, &str> = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .collect();
        Some(Self {
            landlock: found.get("landlock")?.parse().ok()?,
            network: *found.get("network")? != own_network,
            processes: *found.get("process")? == "1",
            user: found.get("user")?.parse().ok()?,
        })
    }
}

impl fmt::Display for Walls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes_or_no = |there| if there { "yes" } else { "no" };
        match self.landlock {
            0 => formatter.write_str("landlock: no")?,
            version => write!(formatter, "landlock: yes, ABI {version}")?,
        }
        write!(
            formatter,
            "; network namespace: {}; process namespace: {}; user: {}",
            yes_or_no(self.network),
            yes_or_no(self.processes),
            self.user
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_told_in_one_line() {
        let text = "landlock 7\nnetwork net:[2]\nprocess 1\nuser 59328\n";
        let all = Walls::read(text, "net:[1]").unwrap();
        let text = "landlock 0\nnetwork net:[1]\nprocess 77\nuser 1000\n";
        let none = Walls::read(text, "net:[1]").unwrap();

        assert_eq!(
            all.to_string(),
            "landlock: yes, ABI 7; network namespace: yes; process namespace: yes; user: 59328"
        );
        assert_eq!(
            none.to_string(),
            "landlock: no; network namespace: no; process namespace: no; user: 1000"
        );
        assert_eq!(Walls::read("landlock 7\n", ""), None);
    }
}
