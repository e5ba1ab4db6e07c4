//! Another node of a host: a process of its own on the same database.

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{self, Process};
use super::{Client, Host, folder};

/// A running node. Dropping it kills the process.
pub(crate) struct Node {
    process: Process,
    settings: Vec<(&'static str, String)>,
    token: String,
    folder: TempDir,
}

impl Host {
    /// Starts another node with this one's key and database. It runs jobs, whether this one does
    /// or not.
    pub(crate) async fn node_with_jobs(&self) -> Node {
        let mut settings = self.settings.clone();
        settings.retain(|(name, _)| *name != "SKEP_JOBS_AT_ONCE");
        let key = self.data().join("host.key").to_str().unwrap().to_owned();
        settings.push(("SKEP_KEY_FILE", key));
        if self.database.is_none() {
            let url = process::embedded_url(&self.data(), &self.settings);
            settings.push(("SKEP_DATABASE_URL", url));
        }
        let folder = folder();
        Node {
            process: Process::start(folder.path(), &settings).await,
            settings,
            token: self.token.clone(),
            folder,
        }
    }
}

impl Node {
    /// A client that is logged in as `admin`.
    pub(crate) fn admin(&self) -> Client {
        Client::anonymous(&self.process.url).with_token(&self.token)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends the node as a power cut does.
    pub(crate) async fn kill(&mut self) {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
    }

    pub(crate) async fn restart(&mut self) {
        self.process = Process::start(self.folder.path(), &self.settings).await;
    }
}
