//! Where this process writes its log: standard error, and a file for a log shipper.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use file_rotate::compression::Compression;
use file_rotate::suffix::AppendCount;
use file_rotate::{ContentLimit, FileRotate};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat, Logs};

/// Lines that wait to be written into the file; more are left out, so that no call waits for it.
const WAITING: usize = 8_192;

/// Starts the log. What is written to the file last is written when the guard goes.
///
/// # Errors
///
/// When the setting `log` is malformed, or the file cannot be written.
pub(in crate::cli) fn start(config: &Config) -> anyhow::Result<Option<WorkerGuard>> {
    let to_stderr = match config.log_format {
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => json(std::io::stderr),
    };
    let (file, guard) = match &config.logs.json_file {
        Some(path) => {
            let (writer, guard) = open(path, &config.logs)?;
            // Whatever is not worth a line on the terminal: apps choose their levels themselves.
            let filter = filter(&format!("{},skep::app=debug", config.log))?;
            (Some(json(writer).with_filter(filter)), Some(guard))
        }
        None => (None, None),
    };
    tracing_subscriber::registry()
        .with(to_stderr.with_filter(filter(&config.log)?))
        .with(file)
        .init();
    Ok(guard)
}

fn filter(directives: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::builder()
        .parse(directives)
        .map_err(|error| anyhow::anyhow!("the setting `log` is malformed: {error}"))
}

/// One line of JSON for each event.
fn json<S, W>(writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(writer)
        .boxed()
}

/// Opens the file, and puts old ones aside as it grows.
fn open(path: &Path, settings: &Logs) -> anyhow::Result<(NonBlocking, WorkerGuard)> {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o640);
    // What rotates it would say nothing.
    options
        .open(path)
        .with_context(|| format!("cannot write `{}` (logs.json_file)", path.display()))?;
    let bytes = usize::try_from(settings.json_file_mb.get())?.saturating_mul(1024 * 1024);
    let file = FileRotate::new(
        path,
        AppendCount::new(usize::from(settings.json_files.get())),
        ContentLimit::BytesSurpassed(bytes),
        Compression::None,
        Some(options),
    );
    let builder = NonBlockingBuilder::default();
    Ok(builder.buffered_lines_limit(WAITING).finish(file))
}
