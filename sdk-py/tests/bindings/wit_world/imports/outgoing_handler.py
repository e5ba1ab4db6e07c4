"""`wasi:http/outgoing-handler`: requests are tested in real cells only."""
