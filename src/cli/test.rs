//! `skep test`: an app's own tests, in real cells on a database of their own.

mod cases;
mod compare;
mod python;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;

use self::cases::Cases;
use super::deploy::progress;
use super::terminal::{harmless, on_one_line};
use super::workbench::{Workbench, data_folder, explain, files};
use crate::app::{Bundle, Description};
use crate::ids::AppName;

/// Where an app keeps its tests.
const TESTS: &str = "tests";

/// Run an app's tests in real cells, on a database of their own
///
/// Tests are in the app's folder `tests`, and each file of it begins with tables as a first deploy
/// leaves them:
///
/// - `*.json` holds cases in order. Each calls the app with `input`, and says what is to come of
///   it: all of `output`, what `contains` has of it, or the text of an `error`; the notifications
///   that are `fired`; and the `rows` that a query finds then.
///
/// - `test_*.py` holds functions `test_*`, which may ask for `conn` and `query`, and classes of
///   `unittest`. `import main` gives them the app. Each runs in a cell of its own.
///
/// Ends with status 1 if a test fails. `docs/authors.md` has examples.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The app's folder
    path: PathBuf,
    /// Run only those whose file and name contain this
    #[arg(short, long, value_name = "TEXT")]
    only: Option<String>,
    /// The folder of an app that it works with, which is deployed first; may be repeated
    #[arg(long, value_name = "PATH")]
    with: Vec<PathBuf>,
    /// Folder of the database [default: one for this app in ~/.local/state/skep]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How a test went.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    Skipped(String),
    /// Why, in one line or more.
    Failed(String),
}

/// How the tests went, and where that is shown.
#[derive(Debug, Default)]
struct Tally {
    only: Option<String>,
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// What tests run on: an app and those that it works with, in the order of their deploys.
struct Stage<'a> {
    bench: &'a Workbench,
    bundles: Vec<(AppName, Bundle)>,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut bundles = Vec::new();
        for path in self.with.iter().chain([&self.path]) {
            let bundle = Bundle::from_folder(path)?;
            let name = Description::read(&bundle)?.manifest.app_name;
            bundles.push((name, bundle));
        }
        let folder = self.path.join(TESTS);
        let cases = files(&folder, "json")?;
        let modules = python_files(&folder)?;
        if cases.is_empty() && modules.is_empty() {
            bail!(
                "`{}` has no tests: write cases into `tests/*.json`, or functions into \
                 `tests/test_*.py`; `skep test --help` says how",
                self.path.display()
            );
        }

        let data = match self.data {
            Some(data) => data,
            None => data_folder(&self.path, "test")?,
        };
        let starting = progress(false, "starting a server");
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bench = Workbench::start(&data, listen).await?;
        starting.finish_and_clear();
        bench.announce_build(&self.with);
        bench.announce_build(std::slice::from_ref(&self.path));
        let stage = Stage {
            bench: &bench,
            bundles,
        };
        let mut tally = Tally {
            only: self.only,
            ..Tally::default()
        };
        let ran = stage.run(&cases, &modules, &mut tally).await;
        bench.close().await?;
        ran?;
        tally.conclude()
    }
}

/// A file of tests, as it is shown.
fn shown(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{TESTS}/{name}")
}

/// The names of the files with Python tests, as the app sees them. Others beside them are what
/// tests import.
fn python_files(folder: &Path) -> anyhow::Result<Vec<String>> {
    let modules = files(folder, "py")?;
    let mut names: Vec<String> = modules.iter().map(|path| shown(path)).collect();
    for name in names.iter().filter(|name| name.ends_with("_test.py")) {
        println!("not run: {name}: the names of files with tests begin with `test_`");
    }
    names.retain(|name| name.starts_with("tests/test_"));
    Ok(names)
}

impl Stage<'_> {
    /// Runs what is in the files, each on tables of its own.
    async fn run(
        &self,
        cases: &[PathBuf],
        modules: &[String],
        tally: &mut Tally,
    ) -> anyhow::Result<()> {
        for file in cases {
            match Cases::read(file) {
                Ok(cases) => cases.run(self, tally).await?,
                Err(error) => tally.fail(&shown(file), "(file)", &error),
            }
        }
        for module in modules {
            self.reset().await?;
            python::run(self, module, tally).await?;
        }
        Ok(())
    }

    /// The app that is tested.
    fn app(&self) -> anyhow::Result<&AppName> {
        match self.bundles.last() {
            Some((app, _)) => Ok(app),
            None => bail!("no app is named"),
        }
    }

    /// Deploys the apps anew, on empty tables.
    async fn reset(&self) -> anyhow::Result<()> {
        for (app, _) in self.bundles.iter().rev() {
            self.bench.remove(app).await?;
        }
        for (app, bundle) in &self.bundles {
            if let Err(error) = self.bench.deploy(bundle).await {
                bail!("{app} cannot be deployed: {}", explain(error));
            }
        }
        Ok(())
    }
}

impl Tally {
    /// Whether a test is to be run.
    fn wants(&self, file: &str, test: &str) -> bool {
        let name = format!("{file} {test}");
        self.only.as_ref().is_none_or(|only| name.contains(only))
    }

    /// Notes a file whose tests cannot be run, unless only others are asked for.
    fn fail(&mut self, file: &str, what: &str, why: &anyhow::Error) {
        if self.wants(file, "") {
            let verdict = Verdict::Failed(format!("{why:#}"));
            self.note(file, what, verdict, Duration::ZERO);
        }
    }

    fn note(&mut self, file: &str, test: &str, verdict: Verdict, took: Duration) {
        let name = on_one_line(&format!("{file}  {test}"));
        let ms = took.as_millis();
        match verdict {
            Verdict::Passed => {
                self.passed += 1;
                println!("ok      {name}  ({ms} ms)");
            }
            Verdict::Skipped(why) => {
                self.skipped += 1;
                println!("skipped {name}: {}", on_one_line(&why));
            }
            Verdict::Failed(why) => {
                self.failed += 1;
                println!("FAILED  {name}  ({ms} ms)");
                for line in harmless(&why).lines() {
                    println!("        {line}");
                }
            }
        }
    }

    fn conclude(&self) -> anyhow::Result<ExitCode> {
        let Self {
            passed,
            failed,
            skipped,
            ..
        } = self;
        if passed + failed + skipped == 0 {
            bail!("no test has this in its name");
        }
        println!("\n{passed} passed, {failed} failed, {skipped} skipped");
        Ok(if *failed == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }
}

/// Runs one test, and notes how it went.
async fn judge(
    tally: &mut Tally,
    (file, test): (&str, &str),
    run: impl Future<Output = anyhow::Result<Verdict>>,
) {
    let since = Instant::now();
    let verdict = run
        .await
        .unwrap_or_else(|error| Verdict::Failed(format!("{error:#}")));
    tally.note(file, test, verdict, since.elapsed());
}
