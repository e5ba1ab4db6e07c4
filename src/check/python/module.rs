//! What the rules need to know of one Python file.

use std::collections::BTreeSet;
use std::ops::Range;

/// One file.
#[derive(Debug, Default)]
pub(super) struct Module<'a> {
    pub(super) path: &'a str,
    /// All functions, methods and functions in functions too.
    pub(super) functions: Vec<Function>,
    /// The names that the top level binds.
    pub(super) bound: BTreeSet<String>,
    /// Whether names may be bound in ways that cannot be seen, as by `from x import *`.
    pub(super) binds_more: bool,
    /// What is called at the top level, by its last name.
    pub(super) top_calls: BTreeSet<String>,
    /// What is imported, by its first name.
    pub(super) imports: Vec<(String, Range<usize>)>,
    /// Whether `sys.path` is named.
    pub(super) sets_path: bool,
    /// Texts, whole or in parts, docstrings aside.
    pub(super) texts: Vec<Text>,
    /// The names of the constants whose texts are sent as statements.
    pub(super) sent_names: BTreeSet<String>,
    pub(super) connects: Vec<Connect>,
    pub(super) actions: Vec<Action>,
    pub(super) waits: Vec<Wait>,
    /// `with` on a plain name.
    pub(super) entered: Vec<Entered>,
    /// Calls whose results differ from call to call, and that the top level keeps: by name.
    pub(super) frozen: Vec<(String, Range<usize>)>,
}

/// A function.
#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) name: String,
    /// Whether it stands at the top level.
    pub(super) is_top: bool,
    /// Of its name.
    pub(super) range: Range<usize>,
    pub(super) parameters: Vec<Parameter>,
    /// Whether it has `*args`.
    pub(super) takes_any: bool,
    /// What it calls, by the last name.
    pub(super) calls: BTreeSet<String>,
    /// Every name in it, and the last one of every dotted name.
    pub(super) mentions: BTreeSet<String>,
    /// The names that it assigns.
    pub(super) assigned: BTreeSet<String>,
    /// The names that it closes, or enters with `with`.
    pub(super) closed: BTreeSet<String>,
    /// Whether it speaks of `_job_id`.
    pub(super) knows_job: bool,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    pub(super) has_default: bool,
}

/// Where something stands, as far as it matters to the rules.
#[derive(Debug, Clone, Default)]
pub(super) struct Spot {
    /// The innermost function, by its index; none at the top level.
    pub(super) function: Option<usize>,
    /// Whether a condition, a loop or a `try` stands around it in its function.
    pub(super) guarded: bool,
    /// Whether a loop stands around it, and no condition between the two.
    pub(super) each_time: bool,
}

/// A text in the source.
#[derive(Debug)]
pub(super) struct Text {
    /// Of a text that is put together only what stands there.
    pub(super) text: String,
    pub(super) range: Range<usize>,
    pub(super) spot: Spot,
    /// Whether more is put together with it at run time.
    pub(super) is_part: bool,
    /// What of a request it is put together with.
    pub(super) tainted: Option<Range<usize>>,
    /// Whether it is sent to the database right there.
    pub(super) is_sent: bool,
    /// The name that it is assigned to.
    pub(super) named: Option<String>,
}

/// A call of `psycopg2.connect`.
#[derive(Debug)]
pub(super) struct Connect {
    pub(super) range: Range<usize>,
    pub(super) function: Option<usize>,
    /// The name that it is assigned to.
    pub(super) named: Option<String>,
    /// Whether somebody else closes it: it stands in `with`, or is returned.
    pub(super) is_held: bool,
}

/// One entry of an `_actions` list that is written out.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) range: Range<usize>,
    pub(super) name: ActionName,
}

#[derive(Debug)]
pub(super) enum ActionName {
    /// Written out.
    Known(String),
    /// Only known at run time.
    Unknown,
    Missing,
    /// The entry is no dictionary.
    NoEntry,
}

/// Something that takes its time.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) range: Range<usize>,
    pub(super) function: Option<usize>,
    pub(super) what: Waiting,
}

#[derive(Debug)]
pub(super) enum Waiting {
    /// `time.sleep`, for some seconds where they are written out.
    Sleep { seconds: Option<f64>, in_loop: bool },
    /// `while True` without a way out.
    Forever,
}

/// `with name:`.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) name: String,
    pub(super) range: Range<usize>,
    pub(super) function: Option<usize>,
}

impl Module<'_> {
    /// The function of a spot.
    pub(super) fn function(&self, index: Option<usize>) -> Option<&Function> {
        self.functions.get(index?)
    }
}
