//! What authors begin from: the templates of `skep new`, and a text for coding assistants.

pub(crate) mod assistant;
pub(crate) mod templates;
