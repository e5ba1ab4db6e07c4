//! Values of the clock and of chance that module-level code keeps.

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::{Found, Program, rules};
use crate::check::problem::Problem;

/// Functions whose results differ from call to call, behind the last name of what they are of.
const CHANGING: [(&str, &[&str]); 7] = [
    ("datetime", &["now", "today", "utcnow"]),
    ("date", &["today"]),
    (
        "time",
        &[
            "time",
            "time_ns",
            "monotonic",
            "perf_counter",
            "localtime",
            "gmtime",
        ],
    ),
    (
        "random",
        &[
            "random",
            "randint",
            "randrange",
            "randbytes",
            "choice",
            "choices",
            "sample",
            "uniform",
        ],
    ),
    ("uuid", &["uuid1", "uuid4", "uuid6", "uuid7"]),
    (
        "secrets",
        &[
            "choice",
            "randbelow",
            "token_bytes",
            "token_hex",
            "token_urlsafe",
        ],
    ),
    ("os", &["urandom"]),
];

/// The first call in an expression whose result differs from call to call. What runs later, in a
/// function or generator, is not looked at.
pub(super) fn changing(expression: &Expr) -> Option<(String, TextRange)> {
    struct Calls(Option<(String, TextRange)>);
    impl<'a> Visitor<'a> for Calls {
        fn visit_expr(&mut self, expression: &'a Expr) {
            match expression {
                Expr::Lambda(_) | Expr::Generator(_) => {}
                Expr::Call(call) => {
                    if self.0.is_none() {
                        self.0 = named(call).map(|name| (name, call.range()));
                    }
                    walk_expr(self, expression);
                }
                _other => walk_expr(self, expression),
            }
        }
    }
    let mut calls = Calls(None);
    calls.visit_expr(expression);
    calls.0
}

/// The name of such a function, as `time.time`.
fn named(call: &ExprCall) -> Option<String> {
    let Expr::Attribute(member) = &*call.func else {
        return None;
    };
    let owner = match &*member.value {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(outer) => outer.attr.as_str(),
        _other => return None,
    };
    let name = member.attr.as_str();
    let (_, names) = CHANGING.iter().find(|(of, _)| *of == owner)?;
    names.contains(&name).then(|| format!("{owner}.{name}"))
}

impl Program<'_> {
    /// What every call would see as it was when the app was built.
    pub(super) fn frozen(&self) -> Vec<Found> {
        let kept = self
            .modules
            .iter()
            .flat_map(|module| module.frozen.iter().map(move |kept| (module, kept)));
        kept.map(|(module, (name, range))| {
            let said = format!("`{name}()` is called once, when a release is built");
            let problem = Problem::new(&rules::FROZEN, said);
            (problem, module.path.to_owned(), range.clone())
        })
        .collect()
    }
}
