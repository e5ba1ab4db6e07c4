//! What a call's budget and receipt cost: calls as they are, against the same cells without.
//!
//! A measurement, and no test of anything: `docs/performance.md` says how to run it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use wasmtime::Store;
use wasmtime::component::Component;

use super::call::notifications;
use super::state::{Binding, CellState};
use super::{Call, Cells, Entry, Image, Providers, Record, Settings, Witness};
use crate::app::manifest::{Instances, JobWishes};
use crate::capability::credentials::policy::CredentialsGrant;
use crate::capability::credentials::vault::Vault;
use crate::capability::db::Inspector;
use crate::capability::db::session::{Database, Source};
use crate::capability::egress::{Egress, Gateway};
use crate::capability::jobs::backlog::Backlog;
use crate::capability::jobs::policy::JobsGrant;
use crate::capability::log::book::LogBook;
use crate::capability::notify::policy::NotifyGrant;
use crate::capability::settings::policy::SettingsGrant;
use crate::ids::{CallId, ReleaseId};
use crate::ledger::Ledger;
use crate::ledger::tests::{Book, shop};
use crate::limits::{Budget, Limits};
use crate::services::{Clock, Entropy, Sealing};
use crate::sql::Scope;

const ROUNDS: usize = 15;
const CALLS: u32 = 2_000;
const DATA: &str = "{}";

/// A guest that answers with its data, in the shell of the tests' guests.
fn guest() -> Vec<u8> {
    let shell = include_str!("../../tests/guests/shell.wat");
    let echo = include_str!("../../tests/guests/echo.wat");
    let (before, after) = shell.split_once(";; GUEST\n").unwrap();
    let (execute, _) = after.split_once(";; LOAD\n").unwrap();
    wat::parse_str(format!("{before}{echo}{execute})")).unwrap()
}

/// Tells the ledger, or nobody.
struct Told {
    ledger: Ledger,
    telling: AtomicBool,
}

impl Witness for Told {
    fn ended(&self, call: Record) {
        if self.telling.load(Ordering::Relaxed) {
            self.ledger.ended(call);
        }
    }
}

struct Bench {
    cells: Cells,
    image: Arc<Image>,
    source: Source,
    told: Arc<Told>,
}

impl Bench {
    fn id(&self) -> CallId {
        CallId(Entropy.id(&Clock::system()))
    }

    /// A call as it is: admitted, bounded, measured, and told to the ledger or to nobody.
    async fn whole(&self) {
        let call = Call {
            id: self.id(),
            entry: Entry::Execute(DATA.to_owned()),
            caller: None,
            database: self.source.clone(),
            budget: budget(),
            attempt: None,
        };
        let outcome = self.cells.run(&self.image, call).await;
        assert_eq!(outcome.result.unwrap(), DATA);
    }

    /// The same cell in a task of its own, entered without asking and without counting.
    async fn bare(&self) {
        let (cells, image) = (self.cells.clone(), Arc::clone(&self.image));
        let (id, source) = (self.id(), self.source.clone());
        let call = async move {
            let deadline = Instant::now() + budget().wall;
            let log = cells.log(&image, id, budget(), None);
            let egress = Egress::new(gateway(), Arc::default(), log.clone(), deadline);
            let binding = Binding {
                call: id,
                egress,
                credentials: cells.credentials(&image, log.clone()),
                settings: cells.settings(&image),
                notify: notifications(&image, budget(), &log),
                jobs: cells.jobs(&image),
                schedules: cells.schedules(&image),
                caller: None,
                database: Database::new(source, deadline, budget(), log.clone(), None),
                log,
                deadline,
            };
            let mut store = Store::new(&cells.0.engine, CellState::new(binding, usize::MAX, None));
            store.set_epoch_deadline(u64::MAX / 2);
            let made = image.component.instantiate_async(&mut store).await;
            let app = image.exports.load(&mut store, &made.unwrap()).unwrap();
            app.call_execute(&mut store, DATA).await.unwrap().unwrap()
        };
        assert_eq!(tokio::spawn(call).await.unwrap(), DATA);
    }

    /// One round of one kind of call; what comes back is microseconds a call.
    async fn round(&self, kind: Kind) -> f64 {
        let telling = matches!(kind, Kind::Whole);
        self.told.telling.store(telling, Ordering::Relaxed);
        let began = Instant::now();
        for _ in 0..CALLS {
            match kind {
                Kind::Bare => self.bare().await,
                Kind::Untold | Kind::Whole => self.whole().await,
            }
        }
        let took = began.elapsed();
        // What is written for one kind must not slow down the next.
        self.told.ledger.flush(Duration::from_secs(60)).await;
        took.as_secs_f64() * 1e6 / f64::from(CALLS)
    }
}

fn gateway() -> Gateway {
    Gateway::open(None).unwrap()
}

fn budget() -> Budget {
    Limits::STANDARD.budget(&Limits::STANDARD.default)
}

#[derive(Clone, Copy)]
enum Kind {
    Bare,
    /// With budget and receipt, which is then thrown away.
    Untold,
    Whole,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement that wants an idle machine and a release build"]
async fn a_budget_and_a_receipt_cost_little_beside_the_cell() {
    let book = Book::open().await;
    let data = tempfile::tempdir().unwrap();
    let told = Arc::new(Told {
        ledger: Ledger::start(book.store(), Clock::system()),
        telling: AtomicBool::new(false),
    });
    let witness: Arc<dyn Witness> = Arc::clone(&told) as _;
    let sealing = Sealing::open(None, None, book.key()).unwrap();
    let providers = Providers {
        gateway: gateway(),
        book: LogBook::start(book.store(), Clock::system(), None),
        vault: Vault::new(book.store(), sealing, Clock::system(), Entropy),
        store: book.store(),
        clock: Clock::system(),
        backlog: Backlog::new(book.store()),
    };
    let cells = Cells::start(
        data.path(),
        book.key(),
        Limits::STANDARD,
        providers,
        witness,
    )
    .unwrap();
    let component = Component::new(&cells.0.engine, guest()).unwrap();
    let settings = Settings {
        app: shop(),
        release: ReleaseId(Entropy.id(&Clock::system())),
        instances: Instances::Fresh,
        budget: budget(),
        egress: Arc::default(),
        credentials: CredentialsGrant::default(),
        settings: SettingsGrant::new(&[]),
        notifications: NotifyGrant::default(),
        jobs: JobsGrant::new(JobWishes::default(), &Limits::STANDARD),
        granted: Arc::default(),
        concurrency: Limits::STANDARD.default.concurrency.get() as usize,
    };
    let bench = Bench {
        image: Arc::new(cells.prepare(&component, settings, None).unwrap()),
        source: Source::App {
            pools: book.pools(),
            app: shop(),
            inspector: Inspector::new(Arc::default(), Scope::default()),
        },
        cells,
        told,
    };

    let mut rounds = Vec::new();
    // The first is to warm up.
    for round in 0..=ROUNDS {
        let bare = bench.round(Kind::Bare).await;
        let untold = bench.round(Kind::Untold).await;
        let whole = bench.round(Kind::Whole).await;
        if round > 0 {
            rounds.push((bare, untold, whole));
        }
    }

    println!("medians of {ROUNDS} rounds of {CALLS} calls, in microseconds a call:");
    let bare = median(rounds.iter().map(|(bare, ..)| *bare));
    println!("the cell alone                  {bare:.1}");
    let untold = median(rounds.iter().map(|(_, untold, _)| *untold));
    let ratio = median(rounds.iter().map(|(bare, untold, _)| untold / bare));
    println!("with budget and receipt         {untold:.1}  ratio {ratio:.3}");
    let whole = median(rounds.iter().map(|(.., whole)| *whole));
    let ratio = median(rounds.iter().map(|(bare, _, whole)| whole / bare));
    println!("and with metrics and call log   {whole:.1}  ratio {ratio:.3}");
}
