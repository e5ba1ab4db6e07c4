//! Parameters, as PostgreSQL reads them.
//!
//! Every parameter is sent as text of a type that the server infers, as libpq does it: so a
//! text fits a `uuid`, a `date` or an enum without the app saying which.

use std::error::Error;

use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

use super::DbError;
use crate::bindings::skep::app::db as wit;

/// A parameter in PostgreSQL's text form; none is NULL.
#[derive(Debug)]
pub(crate) struct Parameter(Option<String>);

impl Parameter {
    /// Translates one value; `place` counts from 1, for the error's text.
    pub(crate) fn new(value: &wit::Value, place: usize) -> Result<Self, DbError> {
        let text = match value {
            wit::Value::Null => return Ok(Self(None)),
            wit::Value::Boolean(value) => if *value { "t" } else { "f" }.to_owned(),
            wit::Value::Integer(value) => value.to_string(),
            wit::Value::Float(value) => float(*value),
            wit::Value::Text(value) => value.clone(),
            wit::Value::Bytes(value) => hex(value),
            wit::Value::Array(json) => array(json).map_err(|why| {
                DbError::Invalid(format!("parameter ${place} is not a list in JSON: {why}"))
            })?,
        };
        if text.contains('\0') {
            return Err(DbError::Invalid(format!(
                "parameter ${place} holds a NUL character, which PostgreSQL cannot keep in a text"
            )));
        }
        Ok(Self(Some(text)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, String::len)
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(
        &self,
        parameter_type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(parameter_type, out)
    }
}

fn float(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(
        String::with_capacity(2 + 2 * bytes.len()) + r"\x",
        |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

/// A JSON list as a PostgreSQL array literal: `{1,"a",NULL,{…}}`.
fn array(json: &str) -> Result<String, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let Value::Array(elements) = value else {
        return Err("it is another kind of value".to_owned());
    };
    let mut literal = String::new();
    push_array(&mut literal, &elements)?;
    Ok(literal)
}

fn push_array(literal: &mut String, elements: &[Value]) -> Result<(), String> {
    literal.push('{');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            literal.push(',');
        }
        match element {
            Value::Null => literal.push_str("NULL"),
            Value::Bool(value) => literal.push(if *value { 't' } else { 'f' }),
            Value::Number(value) => literal.push_str(&value.to_string()),
            Value::String(value) => push_quoted(literal, value),
            Value::Array(elements) => push_array(literal, elements)?,
            Value::Object(_) => return Err("a list holds an object; send it as text".to_owned()),
        }
    }
    literal.push('}');
    Ok(())
}

fn push_quoted(literal: &mut String, text: &str) {
    literal.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: wit::Value) -> Option<String> {
        Parameter::new(&value, 1).unwrap().0
    }

    #[test]
    fn values_are_written_as_postgresql_reads_them() {
        assert_eq!(text(wit::Value::Null), None);
        assert_eq!(text(wit::Value::Boolean(true)).unwrap(), "t");
        assert_eq!(text(wit::Value::Float(0.1)).unwrap(), "0.1");
        assert_eq!(
            text(wit::Value::Float(f64::NEG_INFINITY)).unwrap(),
            "-Infinity"
        );
        assert_eq!(text(wit::Value::Bytes(vec![0, 255])).unwrap(), r"\x00ff");
        assert_eq!(
            text(wit::Value::Array(
                r#"[1, null, [true], "a\"b\\c, {d}"]"#.into()
            ))
            .unwrap(),
            r#"{1,NULL,{t},"a\"b\\c, {d}"}"#
        );
    }

    #[test]
    fn what_postgresql_cannot_hold_is_refused_with_its_place() {
        let nul = Parameter::new(&wit::Value::Text("a\0b".into()), 2).unwrap_err();
        assert!(
            nul.to_string()
                .starts_with("parameter $2 holds a NUL character")
        );

        let object = Parameter::new(&wit::Value::Array("{}".into()), 3).unwrap_err();
        assert!(
            object
                .to_string()
                .starts_with("parameter $3 is not a list in JSON")
        );
    }
}
