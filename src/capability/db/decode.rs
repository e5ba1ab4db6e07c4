//! Values of a result, from PostgreSQL's binary form to what `wit/db.wit` promises.

mod calendar;
mod numeric;

use std::error::Error;

use postgres_protocol::types as binary;
use serde_json::Value as Json;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::{DbError, encode};
use crate::bindings::skep::app::db as wit;

type Cause = Box<dyn Error + Sync + Send>;

/// PostgreSQL's name of a type, arrays as `text[]`.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other kind is handled alike, those to come too"
)]
pub(crate) fn type_name(column_type: &Type) -> String {
    match column_type.kind() {
        Kind::Array(element) => format!("{}[]", element.name()),
        _ => column_type.name().to_owned(),
    }
}

/// Translates one row.
///
/// # Errors
///
/// When a column has a type that is not supported; the text says how to read it instead.
pub(crate) fn row(row: &Row) -> Result<Vec<wit::Value>, DbError> {
    row.columns()
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let value: Option<Raw<'_>> = row.try_get(index)?;
            let Some(Raw(column_type, bytes)) = value else {
                return Ok(wit::Value::Null);
            };
            decode(&column_type, bytes).map_err(|cause| {
                DbError::Invalid(format!(
                    "column `{}` has type {}, which cannot be read here: cast it to text ({cause})",
                    column.name(),
                    type_name(&column_type),
                ))
            })
        })
        .collect()
}

/// A value as the server sent it.
struct Raw<'a>(Type, &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(column_type: &Type, raw: &'a [u8]) -> Result<Self, Cause> {
        Ok(Self(column_type.clone(), raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other kind is handled alike, those to come too"
)]
fn decode(column_type: &Type, raw: &[u8]) -> Result<wit::Value, Cause> {
    Ok(match *column_type {
        Type::BOOL => wit::Value::Boolean(binary::bool_from_sql(raw)?),
        Type::INT2 => wit::Value::Integer(binary::int2_from_sql(raw)?.into()),
        Type::INT4 => wit::Value::Integer(binary::int4_from_sql(raw)?.into()),
        Type::INT8 => wit::Value::Integer(binary::int8_from_sql(raw)?),
        Type::OID => wit::Value::Integer(binary::oid_from_sql(raw)?.into()),
        Type::FLOAT4 => wit::Value::Float(shortest(binary::float4_from_sql(raw)?)),
        Type::FLOAT8 => wit::Value::Float(binary::float8_from_sql(raw)?),
        Type::BYTEA => wit::Value::Bytes(raw.to_vec()),
        _ => match column_type.kind() {
            Kind::Domain(base) => decode(base, raw)?,
            Kind::Array(element) => wit::Value::Array(array(element, raw)?.to_string()),
            _ => wit::Value::Text(text(column_type, raw)?),
        },
    })
}

/// A `float4` as PostgreSQL prints it: 0.1, not 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "any other kind is handled alike, those to come too"
)]
fn text(column_type: &Type, raw: &[u8]) -> Result<String, Cause> {
    Ok(match *column_type {
        Type::NUMERIC => numeric::text(raw)?,
        Type::UUID => uuid::Uuid::from_slice(raw)?.to_string(),
        Type::JSONB => match raw.split_first() {
            Some((1, json)) => str::from_utf8(json)?.to_owned(),
            _ => return Err("unknown version of jsonb".into()),
        },
        Type::DATE => calendar::date(binary::date_from_sql(raw)?),
        Type::TIME => calendar::time(binary::time_from_sql(raw)?),
        Type::TIMETZ => calendar::time_with_zone(raw)?,
        Type::TIMESTAMP => calendar::timestamp(binary::timestamp_from_sql(raw)?),
        Type::TIMESTAMPTZ => calendar::timestamp_with_zone(binary::timestamp_from_sql(raw)?),
        Type::INTERVAL => calendar::interval(raw)?,
        Type::INET | Type::CIDR => inet(column_type, raw)?,
        Type::VOID => String::new(),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::CHAR
        | Type::UNKNOWN
        | Type::JSON
        | Type::XML => str::from_utf8(raw)?.to_owned(),
        _ => match column_type.kind() {
            Kind::Enum(_) => str::from_utf8(raw)?.to_owned(),
            _ if column_type.name() == "citext" => str::from_utf8(raw)?.to_owned(),
            _ => return Err("its binary form is not known".into()),
        },
    })
}

fn inet(column_type: &Type, raw: &[u8]) -> Result<String, Cause> {
    let inet = binary::inet_from_sql(raw)?;
    let whole = if inet.addr().is_ipv4() { 32 } else { 128 };
    if *column_type == Type::INET && inet.netmask() == whole {
        Ok(inet.addr().to_string())
    } else {
        Ok(format!("{}/{}", inet.addr(), inet.netmask()))
    }
}

/// An array as nested JSON lists.
fn array(element: &Type, raw: &[u8]) -> Result<Json, Cause> {
    use fallible_iterator::FallibleIterator as _;

    let array = binary::array_from_sql(raw)?;
    let lengths: Vec<usize> = array
        .dimensions()
        .map(|dimension| Ok(usize::try_from(dimension.len)?))
        .collect()?;
    let mut values: Vec<Json> = array
        .values()
        .map(|value| value.map_or(Ok(Json::Null), |raw| json(element, raw)))
        .collect()?;

    // The values come row by row: group them from the innermost dimension outwards.
    for length in lengths.iter().skip(1).rev() {
        values = values
            .chunks((*length).max(1))
            .map(|chunk| Json::Array(chunk.to_vec()))
            .collect();
    }
    Ok(Json::Array(values))
}

fn json(element: &Type, raw: &[u8]) -> Result<Json, Cause> {
    Ok(match decode(element, raw)? {
        wit::Value::Null => Json::Null,
        wit::Value::Boolean(value) => value.into(),
        wit::Value::Integer(value) => value.into(),
        wit::Value::Float(value) if value.is_finite() => value.into(),
        wit::Value::Float(value) if value.is_nan() => "NaN".into(),
        wit::Value::Float(value) if value > 0.0 => "Infinity".into(),
        wit::Value::Float(_) => "-Infinity".into(),
        wit::Value::Text(value) => value.into(),
        wit::Value::Bytes(value) => encode::hex(&value).into(),
        wit::Value::Array(value) => serde_json::from_str(&value)?,
    })
}
