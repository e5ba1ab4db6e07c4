"""Tests of main.py. `skep test` runs each in a cell of its own, and undoes what it did."""

import main


def test_the_newest_item_comes_first(conn):
    for name in ("one", "two"):
        main.execute({"action": "create", "name": name}, conn=conn)

    answer = main.execute({"action": "list"}, conn=conn)

    assert [row["name"] for row in answer["rows"]] == ["two", "one"], answer


def test_a_name_is_a_text_whatever_it_holds(conn):
    name = "'); DROP TABLE <table_prefix>_items; --"

    main.execute({"action": "create", "name": name}, conn=conn)

    answer = main.execute({"action": "list"}, conn=conn)
    assert [row["name"] for row in answer["rows"]] == [name], answer
