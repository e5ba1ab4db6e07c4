//! The book of lines: what apps log, written into the database behind their backs.
//!
//! Nobody waits for it. What comes faster than the database takes it is left out and counted,
//! and the log of the app says how much.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{Identity, Level, Origin, detail};
use crate::ids::AppName;
use crate::services::Clock;
use crate::store::Store;
use crate::store::logs::{self, NewLine};

/// Lines that are written at once, and bytes of them.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How long a line waits for others to be written with.
const LINGER: Duration = Duration::from_millis(250);
/// Between two tries where the database is away.
const PAUSE: Duration = Duration::from_secs(1);
/// How often trouble is told at most.
const TELL_AGAIN: Duration = Duration::from_secs(60);
/// What a line takes beside its texts, indexes included, in bytes.
const AROUND: usize = 250;

/// Bytes of lines that may wait to be written: a flood of one app leaves room for the others.
#[derive(Debug, Clone, Copy)]
struct Room {
    all: usize,
    of_app: usize,
}

impl Room {
    const STANDARD: Self = Self {
        all: 32 * 1024 * 1024,
        of_app: 8 * 1024 * 1024,
    };
}

/// Is told of every line that is taken, at once. It must not wait for anything.
pub(crate) type Hear = Box<dyn Fn(&NewLine) + Send + Sync>;

/// Takes lines down. Cheap to clone; the writer ends with the last one.
#[derive(Clone)]
pub(crate) struct LogBook(Arc<Shared>);

struct Shared {
    clock: Clock,
    room: Room,
    hear: Option<Hear>,
    waiting: Mutex<Waiting>,
    /// Wakes the writer.
    come: Arc<Notify>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.come.notify_one();
    }
}

impl std::fmt::Debug for LogBook {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LogBook").finish_non_exhaustive()
    }
}

/// What has come and is not written.
#[derive(Default)]
struct Waiting {
    lines: VecDeque<NewLine>,
    /// What they take, and what is being written.
    bytes: usize,
    of_app: BTreeMap<AppName, usize>,
    /// What was left out, by app, until the log says so.
    lost: BTreeMap<AppName, Lost>,
    flushes: Vec<oneshot::Sender<()>>,
}

/// Lines of an app that were left out.
struct Lost {
    lines: u64,
    why: Why,
    /// The last of them, without its texts.
    last: NewLine,
}

#[derive(Debug, Clone, Copy)]
enum Why {
    TooFast,
    Refused,
}

impl LogBook {
    /// Starts the writer. Needs a tokio runtime.
    pub(crate) fn start(store: Store, clock: Clock, hear: Option<Hear>) -> Self {
        Self::start_with(store, clock, Room::STANDARD, hear)
    }

    fn start_with(store: Store, clock: Clock, room: Room, hear: Option<Hear>) -> Self {
        let come: Arc<Notify> = Arc::default();
        let shared = Arc::new(Shared {
            clock,
            room,
            hear,
            waiting: Mutex::default(),
            come: Arc::clone(&come),
        });
        let writer = Writer {
            store,
            shared: Arc::downgrade(&shared),
            come,
            told: None,
        };
        tokio::spawn(writer.run());
        Self(shared)
    }

    /// A book that nobody writes.
    #[cfg(test)]
    pub(crate) fn unwritten(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            clock,
            room: Room::STANDARD,
            hear: None,
            waiting: Mutex::default(),
            come: Arc::default(),
        }))
    }

    /// The lines that wait to be written.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Vec<NewLine> {
        self.0.lock().lines.iter().cloned().collect()
    }

    /// Takes a line without waiting. Where too many wait already, it is left out.
    pub(super) fn push(
        &self,
        identity: &Identity,
        level: Level,
        origin: Origin,
        message: &str,
        detail: Option<&str>,
    ) {
        let detail = detail::kept(detail, origin.part());
        let line = sized(NewLine {
            at: self.0.clock.now(),
            app: identity.app.clone(),
            release: identity.release,
            call: identity.call,
            job: identity.job,
            level: level.number(),
            source: origin.name(),
            message: detail::without_nul(message),
            detail,
            bytes: 0,
        });
        if let Some(hear) = &self.0.hear {
            hear(&line);
        }
        if self.0.lock().take(line, self.0.room) {
            self.0.come.notify_one();
        }
    }

    /// Waits until the lines that came before are written, for so long at most.
    pub(crate) async fn flush(&self, patience: Duration) {
        let (done, written) = oneshot::channel();
        self.0.lock().flushes.push(done);
        self.0.come.notify_one();
        // What is not there by then comes later.
        let _ = tokio::time::timeout(patience, written).await;
    }
}

fn sized(mut line: NewLine) -> NewLine {
    let bytes = AROUND + line.message.len() + line.detail.as_ref().map_or(0, String::len);
    line.bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
    line
}

fn size(line: &NewLine) -> usize {
    usize::try_from(line.bytes).unwrap_or_default()
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Takes a line, or counts it. True where the writer should know.
    fn take(&mut self, line: NewLine, room: Room) -> bool {
        let bytes = size(&line);
        let of_app = self.of_app.entry(line.app.clone()).or_default();
        if self.bytes + bytes > room.all || *of_app + bytes > room.of_app {
            self.lose(line, Why::TooFast);
            return false;
        }
        *of_app += bytes;
        self.bytes += bytes;
        self.lines.push_back(line);
        self.lines.len() == 1 || self.lines.len() == BATCH
    }

    fn lose(&mut self, line: NewLine, why: Why) {
        let last = NewLine {
            message: String::new(),
            detail: None,
            ..line
        };
        match self.lost.get_mut(&last.app) {
            Some(lost) => {
                lost.lines += 1;
                lost.last = last;
            }
            None => {
                let lines = 1;
                let app = last.app.clone();
                self.lost.insert(app, Lost { lines, why, last });
            }
        }
    }

    /// The next lines to write; the word of those that were left out comes last.
    fn batch(&mut self) -> Vec<NewLine> {
        let mut batch = Vec::with_capacity(self.lines.len().min(BATCH));
        let mut bytes = 0;
        while batch.len() < BATCH && bytes < BATCH_BYTES {
            let Some(line) = self.lines.pop_front() else {
                let lost = std::mem::take(&mut self.lost);
                batch.extend(lost.into_values().map(Lost::line));
                break;
            };
            bytes += size(&line);
            batch.push(line);
        }
        batch
    }

    /// Gives back the room of lines that are written, or lost.
    fn give_back(&mut self, lines: &[NewLine]) {
        for line in lines {
            let bytes = size(line);
            if let Some(of_app) = self.of_app.get_mut(&line.app) {
                let bytes = bytes.min(*of_app);
                *of_app -= bytes;
                self.bytes = self.bytes.saturating_sub(bytes);
            }
        }
        self.of_app.retain(|_, bytes| *bytes > 0);
    }
}

impl Lost {
    /// What the log says instead of them.
    fn line(self) -> NewLine {
        let why = match self.why {
            Why::TooFast => "they came faster than the database takes them",
            Why::Refused => "the database did not take them",
        };
        let origin = Origin::Host("log");
        sized(NewLine {
            level: Level::Warn.number(),
            source: origin.name(),
            message: format!("{} of the app's lines are missing here: {why}", self.lines),
            detail: detail::kept(None, origin.part()),
            ..self.last
        })
    }
}

struct Writer {
    store: Store,
    shared: Weak<Shared>,
    come: Arc<Notify>,
    /// When trouble was told last.
    told: Option<Instant>,
}

impl Writer {
    async fn run(mut self) {
        loop {
            self.come.notified().await;
            let Some(hurry) =
                self.with(|waiting| !waiting.flushes.is_empty() || waiting.lines.len() >= BATCH)
            else {
                return;
            };
            if !hurry {
                // Asleep meanwhile, so that a line wakes nobody.
                let _ = tokio::time::timeout(LINGER, self.come.notified()).await;
            }
            // Taken before the lines: whoever asks later is answered after those that came later.
            let flushes = self.with(|waiting| std::mem::take(&mut waiting.flushes));
            while let Some(batch) = self.with(Waiting::batch)
                && !batch.is_empty()
            {
                self.write(batch).await;
            }
            for done in flushes.into_iter().flatten() {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
    }

    /// None where the book is closed.
    fn with<T>(&self, work: impl FnOnce(&mut Waiting) -> T) -> Option<T> {
        let shared = self.shared.upgrade()?;
        let result = work(&mut shared.lock());
        Some(result)
    }

    /// Writes a batch, however long the database is away, unless the book is closed meanwhile.
    async fn write(&mut self, mut batch: Vec<NewLine>) {
        while let Err(error) = logs::insert(self.store.pool(), &batch).await {
            self.tell(&error);
            if !is_refusal(&error) {
                tokio::time::sleep(PAUSE).await;
                if self.shared.strong_count() == 0 {
                    return;
                }
            } else if batch.len() == 1 {
                self.with(|waiting| {
                    waiting.give_back(&batch);
                    batch
                        .drain(..)
                        .for_each(|line| waiting.lose(line, Why::Refused));
                });
                return;
            } else {
                // One line must not take the others with it.
                let rest = batch.split_off(batch.len() / 2);
                Box::pin(self.write(batch)).await;
                batch = rest;
            }
        }
        self.with(|waiting| waiting.give_back(&batch));
    }

    fn tell(&mut self, error: &sqlx::Error) {
        if self.told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
            self.told = Some(Instant::now());
            tracing::warn!(%error, "lines of apps cannot be written into the database");
        }
    }
}

/// Whether the database has understood and will never take it: what is wrong is in the data or
/// in the tables.
fn is_refusal(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .is_some_and(|code| ["22", "23", "42", "54"].contains(&code.get(..2).unwrap_or_default()))
}

#[cfg(test)]
mod tests;
