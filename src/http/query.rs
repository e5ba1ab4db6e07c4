//! Queries whose errors have our envelope and name what does not fit.

use axum::extract::{FromRequestParts, Query as AxumQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// What stands behind the `?` of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match AxumQuery::try_from_uri(&parts.uri) {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(rejection) => {
                let error: &dyn std::error::Error = &rejection;
                // The cause says which part; what is around it says that it is a query.
                let cause = error
                    .source()
                    .map_or(rejection.body_text(), ToString::to_string);
                Err(ApiError::Invalid(format!(
                    "the query does not fit: {cause}"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        limit: u8,
    }

    async fn read(query: &str) -> Result<Wanted, String> {
        let (mut parts, ()) = Request::get(format!("/?{query}"))
            .body(())
            .unwrap()
            .into_parts();
        let read = Query::from_request_parts(&mut parts, &()).await;
        read.map(|Query(wanted)| wanted)
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_error_names_the_part_that_does_not_fit() {
        assert_eq!(read("limit=7&more=x").await.unwrap().limit, 7);
        assert_eq!(
            read("limit=many").await.unwrap_err(),
            "the query does not fit: limit: invalid digit found in string"
        );
        assert_eq!(
            read("").await.unwrap_err(),
            "the query does not fit: missing field `limit`"
        );
    }
}
