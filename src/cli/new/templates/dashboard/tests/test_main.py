"""Tests of main.py that need neither a server nor a database."""

import datetime
import pathlib
import sys
import unittest
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import main  # noqa: E402

DAY = datetime.date(2026, 1, 5)


class Connection:
    """Stands in for the call's connection: keeps statements, and answers with rows in turn."""

    def __init__(self, *results):
        self.results = list(results)
        self.statements = []

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False

    def execute(self, sql, values=None):
        self.statements.append((sql, values))
        self.rows = self.results.pop(0)

    def fetchall(self):
        return self.rows

    def fetchone(self):
        return self.rows[0]


class ExecuteTest(unittest.TestCase):
    def test_overview_has_the_chart_and_the_table(self):
        conn = Connection([(DAY, Decimal("15.75"))], [(7, "Hall", DAY, Decimal("12.50"))])

        answer = main.execute({"action": "overview"}, conn=conn)

        row = {"id": 7, "meter": "Hall", "day": "2026-01-05", "amount": 12.5}
        self.assertEqual(answer["days"], [{"day": "2026-01-05", "total": 15.75}])
        self.assertEqual(answer["rows"], [row])

    def test_add_stores_the_reading_and_notifies(self):
        conn = Connection([(8,)])
        data = {"action": "add", "meter": " Hall ", "day": "2026-01-05", "amount": "1.5"}

        answer = main.execute(data, conn=conn)

        self.assertEqual(answer["id"], 8)
        self.assertEqual(conn.statements[0][1], ("Hall", DAY, Decimal("1.5")))
        self.assertEqual(answer["_actions"][0]["name"], "reading_added")

    def test_what_is_no_reading_is_told_and_not_stored(self):
        for wrong in ({"meter": " "}, {"day": "5 January"}, {"amount": "much"}):
            conn = Connection()
            data = {"meter": "Hall", "day": "2026-01-05", "amount": 1, "action": "add", **wrong}

            self.assertIn("error", main.execute(data, conn=conn))
            self.assertEqual(conn.statements, [])

    def test_an_unknown_action_is_an_error(self):
        self.assertEqual(main.execute({"action": "x"}), {"error": "unknown action 'x'"})


if __name__ == "__main__":
    unittest.main()
