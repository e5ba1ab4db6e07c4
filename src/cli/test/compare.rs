//! Compares what an app gave with what a test expects. No I/O.

use std::fmt;

use serde_json::Value;

/// What of a value must be as expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// What is named: objects may have further keys.
    Named,
}

/// The first place where a value is another than expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Like `items[2].name`; empty for the whole value.
    place: String,
    what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            formatter.write_str(&self.what)
        } else {
            write!(formatter, "at `{}`: {}", self.place, self.what)
        }
    }
}

/// Looks for a difference. Numbers are equal that have the same value, however they are written.
pub(super) fn compare(expected: &Value, found: &Value, extent: Extent) -> Result<(), Difference> {
    at(String::new(), expected, found, extent)
}

fn at(place: String, expected: &Value, found: &Value, extent: Extent) -> Result<(), Difference> {
    match (expected, found) {
        (Value::Object(wanted), Value::Object(has)) => {
            for (key, value) in wanted {
                let inner = if place.is_empty() {
                    key.clone()
                } else {
                    format!("{place}.{key}")
                };
                match has.get(key) {
                    Some(other) => at(inner, value, other, extent)?,
                    None => {
                        return differs(inner, format!("expected {value}, and it is not there"));
                    }
                }
            }
            match has.iter().find(|(key, _)| !wanted.contains_key(*key)) {
                Some((key, value)) if extent == Extent::Whole => {
                    differs(place, format!("`{key}` is there and not expected: {value}"))
                }
                Some(_) | None => Ok(()),
            }
        }
        (Value::Array(wanted), Value::Array(has)) => {
            for (index, (value, other)) in wanted.iter().zip(has).enumerate() {
                at(format!("{place}[{index}]"), value, other, extent)?;
            }
            if wanted.len() == has.len() {
                Ok(())
            } else {
                let (wanted, has) = (wanted.len(), has.len());
                let whole = format!("expected {wanted} in the list, and there are {has}: {found}");
                differs(place, whole)
            }
        }
        (Value::Number(wanted), Value::Number(has))
            if wanted == has || wanted.as_f64() == has.as_f64() && !both_whole(wanted, has) =>
        {
            Ok(())
        }
        _ if expected == found => Ok(()),
        _ => differs(place, format!("expected {expected}, found {found}")),
    }
}

/// Whole numbers are compared to their last digit, which a float may not have.
fn both_whole(one: &serde_json::Number, other: &serde_json::Number) -> bool {
    let whole = |number: &serde_json::Number| number.is_i64() || number.is_u64();
    whole(one) && whole(other)
}

fn differs(place: String, what: String) -> Result<(), Difference> {
    Err(Difference { place, what })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(expected: &Value, found: &Value, extent: Extent) -> String {
        compare(expected, found, extent).unwrap_err().to_string()
    }

    #[test]
    fn what_is_as_expected_passes() {
        for (expected, found, extent) in [
            (
                json!({"a": [1, {"b": null}]}),
                json!({"a": [1, {"b": null}]}),
                Extent::Whole,
            ),
            (json!({"a": 1}), json!({"a": 1.0}), Extent::Whole),
            (
                json!({"a": {"b": 1}}),
                json!({"a": {"b": 1, "c": 2}, "d": 3}),
                Extent::Named,
            ),
            (json!([{"a": 1}]), json!([{"a": 1, "b": 2}]), Extent::Named),
        ] {
            assert_eq!(
                compare(&expected, &found, extent),
                Ok(()),
                "{expected} {found}"
            );
        }
    }

    #[test]
    fn a_difference_is_told_with_its_place() {
        let whole = |expected, found| difference(&expected, &found, Extent::Whole);
        assert_eq!(
            whole(
                json!({"items": [{"name": "a"}]}),
                json!({"items": [{"name": "b"}]})
            ),
            "at `items[0].name`: expected \"a\", found \"b\""
        );
        assert_eq!(
            whole(json!({"a": 1}), json!({})),
            "at `a`: expected 1, and it is not there"
        );
        assert_eq!(
            whole(json!({}), json!({"a": 1})),
            "`a` is there and not expected: 1"
        );
        assert_eq!(
            difference(&json!({"l": [1]}), &json!({"l": [1, 2]}), Extent::Named),
            "at `l`: expected 1 in the list, and there are 2: [1,2]"
        );
        assert_eq!(
            whole(
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992_u64)
            ),
            "expected 9007199254740993, found 9007199254740992"
        );
        assert_eq!(whole(json!(1), json!("1")), "expected 1, found \"1\"");
    }
}
