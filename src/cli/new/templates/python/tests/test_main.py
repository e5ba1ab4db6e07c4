"""Tests of main.py that need neither a server nor a database."""

import datetime
import os
import pathlib
import sys
import unittest
from unittest import mock

os.environ.pop("DATABASE_URL", None)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
# Skep brings psycopg2; here none of it is called.
sys.modules.setdefault("psycopg2", mock.MagicMock())

import main  # noqa: E402


class Connection:
    """Stands in for the call's connection: keeps statements, and answers with `rows`."""

    def __init__(self, rows):
        self.rows = rows
        self.statements = []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def execute(self, sql, values=None):
        self.statements.append((sql, values))

    def fetchall(self):
        return self.rows

    def fetchone(self):
        return self.rows[0]


class ExecuteTest(unittest.TestCase):
    def test_list_returns_the_items(self):
        day = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
        conn = Connection([(7, "one", day)])

        answer = main.execute({"action": "list"}, conn=conn)

        row = {"id": 7, "name": "one", "created_at": "2026-01-02T00:00:00+00:00"}
        self.assertEqual(answer, {"rows": [row]})

    def test_create_stores_the_name_and_notifies(self):
        conn = Connection([(8,)])

        answer = main.execute({"action": "create", "name": " two "}, conn=conn)

        self.assertEqual((answer["id"], answer["name"]), (8, "two"))
        self.assertEqual(conn.statements[0][1], ("two",))
        self.assertEqual(answer["_actions"][0]["name"], "item_created")

    def test_create_without_a_name_stores_nothing(self):
        conn = Connection([])

        answer = main.execute({"action": "create"}, conn=conn)

        self.assertEqual(answer, {"error": "name is required"})
        self.assertEqual(conn.statements, [])

    def test_an_unknown_action_is_an_error(self):
        self.assertEqual(main.execute({"action": "x"}), {"error": "unknown action 'x'"})


if __name__ == "__main__":
    unittest.main()
