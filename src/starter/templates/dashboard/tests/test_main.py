"""Tests of main.py. `skep test` runs each in a cell of its own, and undoes what it did."""

import main


def test_what_is_no_reading_is_told(conn):
    reading = {"action": "add", "meter": "Hall", "day": "2026-01-05", "amount": 1}

    for wrong in ({"meter": " "}, {"day": "5 January"}, {"amount": "much"}):
        answer = main.execute({**reading, **wrong}, conn=conn)
        assert "error" in answer, (wrong, answer)


def test_cents_are_exact(conn):
    with conn.cursor() as cur:
        cur.execute("DELETE FROM <table_prefix>_readings")
    for meter in ("a", "b", "c"):
        reading = {"action": "add", "meter": meter, "day": "2026-01-05", "amount": "0.1"}
        main.execute(reading, conn=conn)

    answer = main.execute({"action": "overview"}, conn=conn)

    assert answer["days"] == [{"day": "2026-01-05", "total": 0.3}], answer
