"""Tests of main.py that need neither a server nor a database."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import main  # noqa: E402

JOB = "00000000-0000-0000-0000-000000000007"


class Connection:
    """Stands in for the call's connection: keeps statements, and answers with `rows`."""

    def __init__(self, rows=()):
        self.rows = list(rows)
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


class ExecuteTest(unittest.TestCase):
    def test_a_job_stores_its_report_and_tells_how_far_it_is(self):
        conn, seen = Connection(), []

        data = {"action": "make", "steps": 40, "_job_id": JOB}
        answer = main.execute(data, conn=conn, report_progress=seen.append)

        self.assertEqual((answer["steps"], answer["total"]), (40, 780))
        self.assertEqual(conn.statements[0][1], (JOB, 40, 780))
        self.assertEqual(seen, sorted(seen))
        self.assertEqual(seen[0], 0)

    def test_a_call_that_is_no_job_does_not_wait_for_one(self):
        conn = Connection()

        answer = main.execute({"action": "make"}, conn=conn)

        self.assertIn("/api/async/", answer["error"])
        self.assertEqual(conn.statements, [])

    def test_steps_are_bounded(self):
        for steps in (0, -1, "many", main.MOST + 1):
            data = {"action": "make", "steps": steps, "_job_id": JOB}
            self.assertIn("error", main.execute(data, conn=Connection()))

    def test_list_returns_the_reports(self):
        answer = main.execute({"action": "list"}, conn=Connection([(2, 1)]))

        self.assertEqual(answer, {"reports": [{"steps": 2, "total": 1}]})

    def test_an_unknown_action_is_an_error(self):
        self.assertEqual(main.execute({"action": "x"}), {"error": "unknown action 'x'"})


if __name__ == "__main__":
    unittest.main()
