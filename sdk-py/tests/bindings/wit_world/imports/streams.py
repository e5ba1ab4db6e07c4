"""`wasi:io/streams`: requests are tested in real cells only."""
