use super::*;

#[test]
fn the_standard_limits_fit_together() {
    assert_eq!(Limits::STANDARD.check(), Ok(()));
}

#[test]
fn a_default_above_its_ceiling_is_refused_by_name() {
    let mut limits = Limits::STANDARD;
    limits.ceiling.rows = count(9_999);

    let error = limits.check().unwrap_err();

    assert_eq!(
        error.to_string(),
        "the setting `limits.default.rows` is 10000, above `limits.ceiling.rows`, which is 9999: \
         lower the one or raise the other"
    );
}

#[test]
fn more_than_is_possible_is_refused_by_name() {
    let mut limits = Limits::STANDARD;
    limits.ceiling.memory_mb = count(4_097);
    assert_eq!(
        limits.check().unwrap_err().to_string(),
        "the setting `limits.ceiling.memory_mb` is 4097: at most 4096 is possible"
    );

    let mut limits = Limits::STANDARD;
    limits.calls = count(257);
    assert_eq!(
        limits.check().unwrap_err().to_string(),
        "the setting `limits.calls` is 257: at most 256 is possible"
    );
}

#[test]
fn a_budget_is_the_amounts_in_the_units_that_calls_are_held_to() {
    let limits = Limits::STANDARD;

    let budget = limits.budget(&limits.default);

    assert_eq!(budget.wall, Duration::from_secs(30));
    assert_eq!(budget.memory, 256 * MIB);
    assert_eq!(budget.transfer, 256 << 20);
    assert_eq!(budget.log_bytes, MIB);
    assert_eq!(budget.fuel, None);
    let counting = Limits {
        count_fuel: true,
        ..limits
    };
    assert_eq!(counting.budget(&limits.default).fuel, Some(100_000_000_000));
}

#[test]
fn load_gets_the_ceilings_and_a_time_of_its_own() {
    let load = Limits::STANDARD.load();

    assert_eq!(load.wall, Duration::from_secs(60));
    assert_eq!(load.memory, 512 * MIB);
}
