//! Verdicts of texts that were read before, for all apps together.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::inspect;
use super::refusal::Refusal;
use super::verdict::Verdict;

/// How many verdicts are kept at most.
const ENTRIES: usize = 4096;
/// How many bytes they may take together, as [`ByLength`] estimates them.
const BYTES: u64 = 16 * 1024 * 1024;
/// A longer text, in bytes, is read each time: it mostly has its values written into it,
/// and does not come again.
const LONGEST: usize = 16 * 1024;

/// Verdicts by text. Shared by all threads; what is not asked for any more makes place for
/// what is, and texts that come once do not drive out those that come often.
pub(crate) struct Verdicts {
    kept: Cache<Box<str>, Arc<Verdict>, ByLength>,
}

impl Default for Verdicts {
    fn default() -> Self {
        Self {
            kept: Cache::with_weighter(ENTRIES, BYTES, ByLength),
        }
    }
}

impl Verdicts {
    /// What [`inspect`] says of a text. Refusals are not kept.
    pub(crate) fn inspect(&self, sql: &str) -> Result<Arc<Verdict>, Refusal> {
        if sql.len() > LONGEST {
            return inspect(sql).map(Arc::new);
        }
        if let Some(verdict) = self.kept.get(sql) {
            return Ok(verdict);
        }
        let verdict = Arc::new(inspect(sql)?);
        self.kept.insert(sql.into(), Arc::clone(&verdict));
        Ok(verdict)
    }
}

/// The bytes of one entry: a verdict has names of the text in it, and little else. A small one
/// counts as its share of all, which bounds how many there are.
#[derive(Clone)]
struct ByLength;

impl Weighter<Box<str>, Arc<Verdict>> for ByLength {
    fn weight(&self, text: &Box<str>, _: &Arc<Verdict>) -> u64 {
        const VERDICT: u64 = 512;
        (VERDICT + 3 * text.len() as u64).max(BYTES / ENTRIES as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_and_a_long_one_each_time() {
        let verdicts = Verdicts::default();
        let short = "SELECT id FROM items";
        let long = format!("SELECT '{}'", "x".repeat(LONGEST));

        let again = |sql: &str| {
            let first = verdicts.inspect(sql).expect("a verdict");
            Arc::ptr_eq(&first, &verdicts.inspect(sql).expect("a verdict"))
        };

        assert!(again(short));
        assert!(!again(&long));
    }

    #[test]
    fn what_is_kept_is_bounded_in_entries_and_bytes() {
        let verdicts = Verdicts::default();

        for number in 0..ENTRIES + 500 {
            verdicts
                .inspect(&format!("SELECT {number}"))
                .expect("a verdict");
        }
        assert!(verdicts.kept.len() <= ENTRIES);

        let filler = "x".repeat(LONGEST - 32);
        for number in 0..400 {
            let sql = format!("SELECT {number}, '{filler}'");
            verdicts.inspect(&sql).expect("a verdict");
        }
        assert!(verdicts.kept.weight() <= BYTES);
        assert!(verdicts.kept.len() > 1);
    }

    #[test]
    fn a_refusal_is_the_same_each_time() {
        let verdicts = Verdicts::default();

        let first = verdicts.inspect("SELECT pg_sleep(1)");

        assert!(first.is_err());
        assert_eq!(verdicts.inspect("SELECT pg_sleep(1)"), first);
    }
}
