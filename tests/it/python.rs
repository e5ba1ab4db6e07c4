//! Python apps for tests.
