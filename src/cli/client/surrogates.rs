//! JSON that an app has made: it may hold half of a surrogate pair, which is in the grammar of
//! JSON and in no text.

/// Puts the replacement character in the place of each escape that is half of a pair.
pub(super) fn mended(json: &[u8]) -> Vec<u8> {
    let mut mended = Vec::with_capacity(json.len());
    let mut rest = json;
    // A backslash stands in texts only, and an escaped one is passed with what it escapes.
    while let Some((byte, after)) = rest.split_first() {
        let length = match (byte, unit(rest)) {
            (b'\\', Some(0xD800..=0xDBFF)) if is_second_half(rest.get(6..)) => 12,
            (b'\\', Some(0xD800..=0xDFFF)) => {
                mended.extend_from_slice(b"\\ufffd");
                rest = rest.get(6..).unwrap_or_default();
                continue;
            }
            (b'\\', _) => 2.min(after.len() + 1),
            _ => 1,
        };
        let (whole, next) = rest.split_at(length);
        mended.extend_from_slice(whole);
        rest = next;
    }
    mended
}

fn is_second_half(text: Option<&[u8]>) -> bool {
    matches!(text.and_then(unit), Some(0xDC00..=0xDFFF))
}

/// What the escape `\uXXXX` at the beginning stands for, if there is one.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn half_a_pair_is_replaced_and_all_else_stays() {
        for (json, expected) in [
            (r#"{"a": "\ud800"}"#, r#"{"a": "\ufffd"}"#),
            (r#""\uDFFFx\ud83d\ude00""#, r#""\ufffdx\ud83d\ude00""#),
            (r#""\ud800\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud800 \" \\""#, r#""\\ud800 \" \\""#),
            (r#""\ud8"#, r#""\ud8"#),
            (r"\", r"\"),
        ] {
            let mended = mended(json.as_bytes());
            assert_eq!(str::from_utf8(&mended).unwrap(), expected);
        }
    }

    proptest! {
        #[test]
        fn whole_texts_stay_as_they_are(text in any::<String>()) {
            let json = Value::from(text).to_string();
            prop_assert_eq!(mended(json.as_bytes()), json.as_bytes());
        }

        #[test]
        fn any_units_can_be_read_afterwards(units in prop::collection::vec(any::<u16>(), 0..20)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{escapes}\"");
            let read: String = serde_json::from_slice(&mended(json.as_bytes())).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }
    }
}
