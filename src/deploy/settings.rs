//! What the operator's limits leave of an app's wishes.

use std::num::NonZeroU32;

use crate::app::Finding;
use crate::app::manifest::Wishes;
use crate::limits::{Amounts, Limits};

/// What a release gets, and what of its wishes it does not get.
///
/// The ceilings are those of this node now. A release that was deployed under others is held to
/// these too.
pub(super) fn granted(wishes: &Wishes, limits: &Limits) -> (Amounts, Vec<Finding>) {
    let Limits {
        default, ceiling, ..
    } = limits;
    let mut findings = Vec::new();
    let mut grant = |name: &str, wish: Option<NonZeroU32>, of: fn(&Amounts) -> NonZeroU32| {
        let most = of(ceiling);
        match wish {
            Some(wish) if wish > most => {
                findings.push(Finding::new(
                    "SK-B03",
                    format!(
                        "`limits.{name}` is {wish}, and this server gives {most} at most: the app \
                         gets {most}"
                    ),
                ));
                most
            }
            Some(wish) => wish,
            None => of(default),
        }
    };
    let amounts = Amounts {
        wall_ms: grant("wall_ms", wishes.wall_ms, |of| of.wall_ms),
        memory_mb: grant("memory_mb", wishes.memory_mb, |of| of.memory_mb),
        concurrency: grant("concurrency", wishes.concurrency, |of| of.concurrency),
        fuel: grant("fuel", wishes.fuel, |of| of.fuel),
        statements: grant("statements", wishes.statements, |of| of.statements),
        rows: grant("rows", wishes.rows, |of| of.rows),
        result_mb: grant("result_mb", wishes.result_mb, |of| of.result_mb),
        ..*default
    };
    (amounts, findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_granted_up_to_the_ceiling_and_the_rest_is_told() {
        let limits = Limits::STANDARD;
        let wishes = Wishes {
            wall_ms: NonZeroU32::new(120_000),
            rows: NonZeroU32::new(100_001),
            ..Wishes::default()
        };

        let (amounts, findings) = granted(&wishes, &limits);

        assert_eq!(amounts.wall_ms, limits.ceiling.wall_ms);
        assert_eq!(amounts.rows, limits.ceiling.rows);
        assert_eq!(amounts.memory_mb, limits.default.memory_mb);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "`limits.rows` is 100001, and this server gives 100000 at most: the app gets 100000 \
              (SK-B03)"
            ]
        );
    }

    #[test]
    fn an_app_may_ask_for_less() {
        let wishes = Wishes {
            memory_mb: NonZeroU32::new(32),
            ..Wishes::default()
        };

        let (amounts, findings) = granted(&wishes, &Limits::STANDARD);

        assert_eq!(amounts.memory_mb.get(), 32);
        assert_eq!(findings, []);
    }
}
