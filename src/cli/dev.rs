//! `skep dev`: an app in its folder runs, and each change of it at once.

mod show;
mod watch;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};

use self::show::Show;
use self::watch::Watch;
use super::deploy::progress;
use super::workbench::{self, Workbench, data_folder, explain, remove_folder};
use crate::app::{Bundle, BundleError, Description};
use crate::deploy::{DeployError, ManageError, Report};
use crate::ids::AppName;
use crate::live::Word;
use crate::store::blobs;

/// Where an app keeps its tests, and SQL that fills its tables for whoever develops it.
const TESTS: &str = "tests";
/// Says in the data folder that the samples are in the tables.
const SAMPLED: &str = "sampled-";

/// Run an app from its folder, and each change of it at once
///
/// Starts a server on this machine with a database of its own, and logs you in by the link that it
/// prints. Pages load again by themselves. Calls and logs are
/// shown as they come. Whatever the app asks for is consented to.
///
/// Python runs from the sources: module-level code runs in each new cell. In a release it runs
/// once, when it is built; what it computes from the clock or from chance stays as it was then.
/// JavaScript is built at each change of a script, which takes some seconds.
///
/// `tests/*.sql` in the folder, with rows to try the app on, are run once, in the order of their
/// names, after the first deploy.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder; more for apps that it works with, which are deployed before it
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Address to serve HTTP on: one of this machine
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = loopback)]
    listen: SocketAddr,
    /// Folder of the database [default: one for this app in ~/.local/state/skep]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Begin with an empty database
    #[arg(long)]
    fresh: bool,
}

/// Whoever reaches the server could try passwords; and it is not made for other eyes.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "write it as 127.0.0.1:3000".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(
            "it is not an address of this machine alone: use 127.0.0.1, or `skep serve` for others"
                .to_owned(),
        )
    }
}

/// After so long a deploy says that it goes on.
const SLOW: Duration = Duration::from_secs(3);
/// How long a file may be empty while it is written.
const WRITTEN: Duration = Duration::from_millis(500);

/// An app that is worked on.
struct Subject {
    path: PathBuf,
    name: AppName,
    /// Of the bundle that was tried last.
    digest: Option<String>,
    /// What its author was warned of.
    warnings: Vec<String>,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut subjects = self
            .paths
            .iter()
            .rev()
            .map(|path| Subject::open(path))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let main = subjects.last().context("no app is named")?;
        let (path, name) = (main.path.clone(), main.name.clone());
        let data = match self.data {
            Some(data) => data,
            None => data_folder(&path, "dev")?,
        };
        if self.fresh {
            remove_folder(&data)?;
        }
        let watch = Watch::start(subjects.iter().map(|subject| subject.path.clone()))?;
        let starting = progress(false, "starting a server");
        let bench = Workbench::start(&data, self.listen).await?;
        starting.finish_and_clear();

        let show = Show {
            many: subjects.len() > 1,
            colours: std::io::stdout().is_terminal(),
        };
        let shown = tokio::spawn(show.follow(bench.live.listen()));
        bench.announce_build(&self.paths);
        for subject in &mut subjects {
            subject.update(&bench, &data).await;
        }
        introduce(&bench, &name);
        let worked = work(&bench, &mut subjects, &data, watch).await;
        println!("stopping");
        shown.abort();
        bench.close().await?;
        worked
    }
}

fn introduce(bench: &Workbench, app: &AppName) {
    println!(
        "\n  page         {}\n  admin pages  {}\n               both links log you in, as `admin` \
         with the password {}\n  commands     skep login http://{}, then skep call {app} '{{}}'\n\n\
         edit the app, and it runs; Ctrl-C stops\n",
        bench.link(Some(app)),
        bench.link(None),
        bench.password.expose_secret(),
        bench.address
    );
}

/// Deploys what changes, until somebody stops it.
async fn work(
    bench: &Workbench,
    subjects: &mut [Subject],
    data: &Path,
    mut watch: Watch,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            () = bench.stop.cancelled() => return Ok(()),
            changed = watch.changed() => changed?,
        }
        for subject in &mut *subjects {
            subject.update(bench, data).await;
        }
    }
}

impl Subject {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let bundle = Bundle::from_folder(path)?;
        let description = Description::read(&bundle)?;
        Ok(Self {
            path: path.to_owned(),
            name: description.manifest.app_name,
            digest: None,
            warnings: Vec::new(),
        })
    }

    /// Deploys the folder if it is not what was tried last, and tells how it went.
    async fn update(&mut self, bench: &Workbench, data: &Path) {
        let since = Instant::now();
        let bundle = match self.read().await {
            Ok(bundle) => bundle,
            Err(error) => return self.fail(bench, &error.to_string()),
        };
        let digest = digest(&bundle);
        if self.digest.as_ref() == Some(&digest) {
            return;
        }
        self.digest = Some(digest);
        let deploy = bench.deploy(&bundle);
        tokio::pin!(deploy);
        let deployed = tokio::select! {
            deployed = &mut deploy => deployed,
            () = tokio::time::sleep(SLOW) => {
                println!("  {} takes a while: it is built, or its module-level code runs", self.name);
                deploy.await
            }
        };
        match deployed {
            Ok(report) => {
                self.warnings = show::deployed(&report, since.elapsed(), &self.warnings);
                self.sample(bench, data, &report).await;
                if report.app != self.name {
                    println!(
                        "  the app's name is {} now, and its page {}; {} is still there, too",
                        report.app,
                        bench.link(Some(&report.app)),
                        self.name
                    );
                    self.name = report.app;
                }
                bench.live.say(Word::Deployed(self.name.clone()));
            }
            // Its traceback is in the log, which is shown already.
            Err(ManageError::Deploy(error @ DeployError::Load(_))) => {
                let why = explain(error.into());
                show::failed(&self.name, why.lines().next().unwrap_or_default());
                bench.live.say(Word::Failed(self.name.clone(), why));
            }
            Err(error) => self.fail(bench, &explain(error)),
        }
    }

    /// The folder as it is once nobody writes it. Many programs empty a file before they write it.
    async fn read(&self) -> Result<Bundle, BundleError> {
        let bundle = Bundle::from_folder(&self.path)?;
        let is_written = ["manifest.json", "main.py", "main.js"]
            .iter()
            .filter_map(|path| bundle.file(path))
            .any(|contents| contents.is_empty());
        if !is_written {
            return Ok(bundle);
        }
        tokio::time::sleep(WRITTEN).await;
        Bundle::from_folder(&self.path)
    }

    fn fail(&self, bench: &Workbench, why: &str) {
        show::failed(&self.name, why);
        bench
            .live
            .say(Word::Failed(self.name.clone(), why.to_owned()));
    }

    /// Runs the app's samples, if that was not done in this data folder.
    async fn sample(&self, bench: &Workbench, data: &Path, report: &Report) {
        let done = data.join(format!("{SAMPLED}{}", report.app));
        if done.exists() {
            return;
        }
        let sampled = async {
            let files = samples(&self.path)?;
            bench.run_sql(&report.app, &files).await?;
            std::fs::write(&done, "")?;
            anyhow::Ok(files.len())
        };
        match sampled.await {
            Ok(0) => {}
            Ok(_) => println!("  ran the samples in {TESTS}/"),
            Err(error) => show::failed(&self.name, &format!("the samples: {error:#}")),
        }
    }
}

/// What decides whether an app is another than before: its files without its tests.
fn digest(bundle: &Bundle) -> String {
    let parts: Vec<String> = bundle
        .files()
        .filter(|(path, _)| path.parts().next() != Some(TESTS))
        .flat_map(|(path, contents)| [path.to_string(), blobs::digest(contents)])
        .collect();
    // No path has a line break in it.
    blobs::digest(parts.join("\n").as_bytes())
}

/// The app's samples with their names, in the order of these.
fn samples(app: &Path) -> anyhow::Result<Vec<(String, String)>> {
    workbench::files(&app.join(TESTS), "sql")?
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_the_same_whatever_its_tests_are() {
        let with = |files: &[(&str, &'static str)]| digest(&Bundle::for_tests(files));
        let before = with(&[("main.py", "a"), ("tests/cases.json", "[]")]);

        assert_eq!(
            before,
            with(&[("main.py", "a"), ("tests/other.json", "[1]")])
        );
        assert_ne!(
            before,
            with(&[("main.py", "b"), ("tests/cases.json", "[]")])
        );
        assert_ne!(before, with(&[("lib/main.py", "a")]));
    }

    #[test]
    fn only_addresses_of_this_machine_are_served() {
        assert!(loopback("127.0.0.1:0").is_ok());
        assert!(loopback("[::1]:3000").is_ok());
        for other in ["0.0.0.0:3000", "192.168.1.1:80", "localhost", "3000"] {
            assert!(loopback(other).is_err(), "{other}");
        }
    }
}
