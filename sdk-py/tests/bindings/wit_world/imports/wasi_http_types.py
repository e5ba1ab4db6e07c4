"""`wasi:http/types`: requests are tested in real cells only."""
