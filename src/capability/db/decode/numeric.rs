//! PostgreSQL's `numeric`: digits to base 10,000.
//!
//! The layout is that of `numeric_send` in PostgreSQL's `numeric.c`: the number of digits, the
//! weight of the first one, the sign, the number of decimals to show, the digits.

use std::fmt::Write as _;

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// The number as PostgreSQL prints it, with all its decimals.
pub(super) fn text(raw: &[u8]) -> Result<String, &'static str> {
    let mut words = raw.chunks_exact(2).map(|pair| {
        pair.iter()
            .fold(0_u16, |word, byte| word << 8 | u16::from(*byte))
    });
    let mut next = || words.next().ok_or("a numeric is cut short");

    let count = next()?;
    let weight = next()?.cast_signed();
    let sign = next()?;
    let decimals = usize::from(next()?);
    match sign {
        NAN => return Ok("NaN".to_owned()),
        INFINITY => return Ok("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Ok("-Infinity".to_owned()),
        _ => {}
    }
    let digits: Vec<u16> = (0..count).map(|_| next()).collect::<Result<_, _>>()?;
    // The digit that stands for 10,000 to this power.
    let digit = |power: i32| -> u16 {
        usize::try_from(i32::from(weight) - power)
            .ok()
            .and_then(|index| digits.get(index))
            .copied()
            .unwrap_or(0)
    };

    let mut text = String::from(if sign == NEGATIVE { "-" } else { "" });
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", digit(i32::from(weight.max(0))));
    for power in (0..i32::from(weight)).rev() {
        let _ = write!(text, "{:04}", digit(power));
    }
    if decimals > 0 {
        text.push('.');
        let end = text.len() + decimals;
        for power in 1_i32.. {
            if text.len() >= end {
                break;
            }
            let _ = write!(text, "{:04}", digit(-power));
        }
        text.truncate(end);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(weight: i16, sign: u16, decimals: u16, digits: &[u16]) -> Vec<u8> {
        let count = u16::try_from(digits.len()).unwrap();
        [count, weight.cast_unsigned(), sign, decimals]
            .iter()
            .chain(digits)
            .flat_map(|word| word.to_be_bytes())
            .collect()
    }

    #[test]
    fn a_numeric_keeps_every_digit_and_decimal() {
        for (expected, raw) in [
            ("0", raw(0, 0, 0, &[])),
            ("0.00", raw(0, 0, 2, &[])),
            ("1.50", raw(0, 0, 2, &[1, 5000])),
            ("-12345.6789", raw(1, NEGATIVE, 4, &[1, 2345, 6789])),
            ("0.0001", raw(-1, 0, 4, &[1])),
            ("0.00000001", raw(-2, 0, 8, &[1])),
            ("100000000", raw(2, 0, 0, &[1])),
            ("NaN", raw(0, NAN, 0, &[])),
            ("-Infinity", raw(0, NEGATIVE_INFINITY, 0, &[])),
        ] {
            assert_eq!(text(&raw).unwrap(), expected);
        }
    }

    #[test]
    fn a_numeric_that_is_cut_short_is_an_error() {
        assert!(text(&[0, 1]).is_err());
    }
}
