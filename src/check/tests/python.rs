//! Python backends.

use super::*;

const MAIN: &str = "main.py";

pub(super) const VECTORS: &[Vector] = &[
    Vector {
        rule: "NR-P01",
        file: MAIN,
        bad: &[
            ("x = 1\n", ""),
            ("def run(data):\n    def execute(data): return {}\n", ""),
            ("class App:\n    def execute(self, data): return {}\n", ""),
        ],
        good: &[
            "async def execute(data): return {}\n",
            "from handlers import execute\n",
            "from handlers import *\n",
            "if True:\n    def execute(data): return {}\n",
            "execute = lambda data: {}\n",
            "class App:\n    def __call__(self, data): return {}\nexecute: object = App()\n",
            "def make():\n    global execute\n    execute = print\nmake()\n",
            "globals()['execute'] = print\n",
        ],
    },
    Vector {
        rule: "NR-P02",
        file: MAIN,
        bad: &[
            ("def execute(): return {}\n", "execute"),
            ("def execute(data, user): return {}\n", "user"),
            (
                "def execute(data):\n    cur.execute('SELECT a FROM hw_b')\n",
                "execute",
            ),
        ],
        good: &[
            "def execute(data): return {}\n",
            "def execute(data, conn=None, report_progress=None, extra=1): return {}\n",
            "def execute(data, *args, **kwargs):\n    cur.execute('SELECT a FROM hw_b')\n",
            "def execute(data, query): return {}\n",
            "import psycopg2\ndef execute(data):\n    with psycopg2.connect() as c:\n        c.cursor().execute('SELECT 1')\n",
        ],
    },
    Vector {
        rule: "NR-P03",
        file: MAIN,
        bad: &[
            (
                "def _migrate():\n    with conn.cursor() as cur:\n        cur.execute('CREATE TABLE hw_a (id int)')\n_migrate()\n",
                "'CREATE TABLE hw_a (id int)'",
            ),
            (
                "cur.execute('''ALTER TABLE hw_a ADD COLUMN b int''')\n",
                "'''ALTER TABLE hw_a ADD COLUMN b int'''",
            ),
            (
                "SQL = 'CREATE INDEX i ON hw_a (b)'\ncur.execute(SQL)\n",
                "'CREATE INDEX i ON hw_a (b)'",
            ),
            (
                "cur.execute('CREATE TABLE hw_a '\n            '(id int)')\n",
                "'CREATE TABLE hw_a '\n            '(id int)'",
            ),
        ],
        good: &[
            "cur.execute('CREATE TABLE IF NOT EXISTS hw_a (id int)')\n\
             cur.execute('ALTER TABLE hw_a ADD COLUMN IF NOT EXISTS b int')\n\
             cur.execute('ALTER TABLE hw_a ALTER COLUMN b TYPE text')\n\
             cur.execute('CREATE OR REPLACE VIEW hw_v AS SELECT 1 AS a')\n",
            "\"\"\"CREATE TABLE hw_a (id int)\"\"\"\n# CREATE TABLE hw_a (id int)\n",
            "print('Create the table first.')\n",
        ],
    },
    Vector {
        rule: "NR-P04",
        file: MAIN,
        bad: &[(
            "def execute(data, conn=None):\n    return _create(conn)\ndef _create(conn):\n    conn.cursor().execute('CREATE TABLE IF NOT EXISTS hw_a (id int)')\n",
            "'CREATE TABLE IF NOT EXISTS hw_a (id int)'",
        )],
        good: &[
            "def _migrate():\n    _make()\ndef _make():\n    cur.execute('CREATE TABLE IF NOT EXISTS hw_a (id int)')\n_migrate()\n\
             def execute(data, conn=None):\n    _make()\n",
        ],
    },
    Vector {
        rule: "NR-P05",
        file: MAIN,
        bad: &[
            (
                "cur.execute('CREATE TABLE IF NOT EXISTS items (id int)')\n",
                "'CREATE TABLE IF NOT EXISTS items (id int)'",
            ),
            (
                "cur.execute('CREATE TABLE IF NOT EXISTS public.items (id int)')\n",
                "'CREATE TABLE IF NOT EXISTS public.items (id int)'",
            ),
        ],
        good: &[
            "cur.execute('CREATE TABLE IF NOT EXISTS app_hello_world_items (id int)')\n\
             cur.execute('CREATE TABLE IF NOT EXISTS hw_items (id int)')\n\
             cur.execute('CREATE TABLE IF NOT EXISTS app_hello_world.items (id int)')\n\
             cur.execute('CREATE INDEX IF NOT EXISTS by_name ON hw_items (id)')\n",
        ],
    },
    Vector {
        rule: "NR-P06",
        file: MAIN,
        bad: &[(
            "import psycopg2\ndef execute(data):\n    conn = psycopg2.connect('')\n    conn.cursor()\n",
            "psycopg2.connect('')",
        )],
        good: &[
            "with psycopg2.connect('') as a, contextlib.closing(psycopg2.connect('')) as b: pass\n",
            "def open_it():\n    return psycopg2.connect('')\n",
            "def f():\n    c = psycopg2.connect('')\n    try: pass\n    finally: c.close()\n",
            "def f():\n    c = psycopg2.connect('')\n    with c: pass\n",
        ],
    },
    Vector {
        rule: "NR-P07",
        file: MAIN,
        bad: &[
            (
                "def execute(data, conn=None):\n    job = data['_job_id']\n    for i in range(9):\n        conn.cursor().execute('UPDATE noderouter_core.job_queue SET progress = %s WHERE id = %s', (i, job))\n",
                "'UPDATE noderouter_core.job_queue SET progress = %s WHERE id = %s'",
            ),
            (
                "def execute(data, conn=None):\n    conn.cursor().execute('UPDATE noderouter_core.job_queue SET progress = 5 WHERE id = %s', (data['job'],))\n",
                "'UPDATE noderouter_core.job_queue SET progress = 5 WHERE id = %s'",
            ),
        ],
        good: &[
            "def execute(data, conn=None):\n    job = data.get('_job_id')\n    for i in range(9):\n        if i % 10 == 0:\n            conn.cursor().execute('UPDATE noderouter_core.job_queue SET progress = %s WHERE id = %s', (i, job))\n",
        ],
    },
    Vector {
        rule: "NR-P08",
        file: MAIN,
        bad: &[
            (
                "def execute(data):\n    return {'_actions': [{'name': 'other'}]}\n",
                "{'name': 'other'}",
            ),
            (
                "def execute(data):\n    r = {}\n    r['_actions'] = [{'payload': {}}]\n    return r\n",
                "{'payload': {}}",
            ),
            (
                "def execute(data):\n    return {'_actions': ['greeted']}\n",
                "'greeted'",
            ),
        ],
        good: &[
            "def execute(data):\n    return {'_actions': [{'name': 'greeted'}, {'action': 'greeted'}, {'name': n}, {**e}, e]}\n",
        ],
    },
    Vector {
        rule: "NR-P10",
        file: MAIN,
        bad: &[(
            "def execute(data, conn=None):\n    with conn:\n        pass\n",
            "conn",
        )],
        good: &[
            "def execute(data, conn=None):\n    with conn.cursor() as cur: pass\n",
            "def execute(data, conn=None):\n    if conn is None:\n        conn = psycopg2.connect('')\n    with conn: pass\n",
            "def execute(data): \n    with psycopg2.connect('') as conn:\n        with conn: pass\n",
        ],
    },
    Vector {
        rule: "NR-P11",
        file: MAIN,
        bad: &[
            (
                "def execute(data, conn=None):\n    name = data.get('name', '').strip()\n    conn.cursor().execute(f\"SELECT a FROM hw_b WHERE n = '{name}'\")\n",
                "f\"SELECT a FROM hw_b WHERE n = '{name}'\"",
            ),
            (
                "def execute(data, conn=None):\n    conn.cursor().execute('DELETE FROM hw_b WHERE id = ' + str(data['id']))\n",
                "'DELETE FROM hw_b WHERE id = ' + str(data['id'])",
            ),
            (
                "def execute(data, conn=None):\n    conn.cursor().execute('SELECT %s FROM hw_b' % data['c'])\n",
                "'SELECT %s FROM hw_b' % data['c']",
            ),
            (
                "def execute(data, conn=None):\n    sql = 'SELECT a FROM hw_b ORDER BY {}'.format(data['c'])\n",
                "'SELECT a FROM hw_b ORDER BY {}'.format(data['c'])",
            ),
        ],
        good: &[
            "def execute(data, conn=None):\n    conn.cursor().execute('SELECT a FROM hw_b WHERE n = %s', (data['n'],))\n",
            "def execute(data, conn=None):\n    n = int(data['n'])\n    conn.cursor().execute(f'SELECT a FROM hw_b LIMIT {n}')\n",
            "def execute(data, conn=None):\n    c = data['c']\n    if c not in ('a', 'b'): return {}\n    conn.cursor().execute(f'SELECT a FROM hw_b ORDER BY {c}')\n",
            "def execute(data, conn=None):\n    c = COLUMNS[data['c']]\n    d = COLUMNS.get(data['c'])\n    conn.cursor().execute(f'SELECT a FROM hw_b ORDER BY {c}, {d}')\n",
            "def execute(data, conn=None):\n    marks = ', '.join(['%s'] * 3)\n    conn.cursor().execute(f'SELECT a FROM hw_b WHERE c IN ({marks})', data['x'])\n",
        ],
    },
    Vector {
        rule: "NR-P12",
        file: MAIN,
        bad: &[
            (
                "import time\ndef execute(data):\n    time.sleep(10)\n",
                "time.sleep(10)",
            ),
            (
                "import time\ndef execute(data):\n    return _wait()\ndef _wait():\n    for i in range(9):\n        time.sleep(0.5)\n",
                "time.sleep(0.5)",
            ),
            (
                "def execute(data):\n    while True:\n        pass\n",
                "True",
            ),
        ],
        good: &[
            "import time\ndef execute(data):\n    time.sleep(0.1)\n",
            "import time\ndef execute(data):\n    job = data['_job_id']\n    for i in range(9):\n        time.sleep(1)\n",
            "def execute(data):\n    while True:\n        if done(): return {}\n",
            "import time\ndef nobody():\n    time.sleep(10)\n",
        ],
    },
    Vector {
        rule: "SK-P02",
        file: MAIN,
        bad: &[
            (
                "import datetime\nSTARTED = datetime.datetime.now()\n",
                "datetime.datetime.now()",
            ),
            (
                "from datetime import date\nYEAR: int = date.today().year\n",
                "date.today()",
            ),
            (
                "import uuid\nIDS = {'node': str(uuid.uuid4())}\n",
                "uuid.uuid4()",
            ),
            (
                "import random\nclass App:\n    salt = random.randint(1, 9)\n",
                "random.randint(1, 9)",
            ),
        ],
        good: &[
            "import datetime\ndef execute(data):\n    now = datetime.datetime.now()\n    return {}\n",
            "import time\nclock = lambda: time.time()\nnow = time.time\n",
            "import random\ndraws = (random.random() for _ in range(9))\nrandom.seed()\n",
            "import datetime\nFIRST = datetime.datetime(2026, 1, 1)\nzone = datetime.UTC\n",
            "timer.time()\nX = orders.choice(1)\n",
        ],
    },
    Vector {
        rule: "SK-P01",
        file: MAIN,
        bad: &[
            ("def execute(data):\n    return {\n", ""),
            ("def execute(data)\n    return {}\n", "\n"),
        ],
        good: &[
            "def execute(data):\n    match data:\n        case {'a': [*_]}: return {f'{x!r:>{w}}': 1}\n",
        ],
    },
];

#[test]
fn ddl_for_some_cases_only_is_a_warning() {
    for main in [
        "try:\n    cur.execute('CREATE TABLE hw_a (id int)')\nexcept Exception: pass\n",
        "def _migrate():\n    if version < 2:\n        cur.execute('CREATE TABLE hw_a (id int)')\n_migrate()\n",
        "def later():\n    cur.execute('CREATE TABLE hw_a (id int)')\n",
        "TEXT = 'CREATE TABLE hw_a (id int)'\n",
    ] {
        let found = of_rule(&app_with(MAIN, main), "NR-P03");
        let expected = (Severity::Warning, "'CREATE TABLE hw_a (id int)'".to_owned());
        assert_eq!(found, [expected], "{main}");
    }
}

#[test]
fn a_file_beside_main_that_cannot_be_read_is_a_warning() {
    let found = of_rule(&app_with("broken.py", "def (:\n"), "SK-P01");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, Severity::Warning);
}

#[test]
fn libraries_and_tests_are_not_read() {
    for path in ["libs/x/y.py", "tests/test_main.py"] {
        assert_eq!(problems(&app_with(path, "print 'old'\n")), [], "{path}");
    }
}

#[test]
fn an_import_from_libs_is_noted_where_the_path_is_not_set() {
    let main = "import tinylib\ndef execute(data): return {}\n";
    let mut bundle = app_with(MAIN, main);
    put(&mut bundle, "libs/tinylib/__init__.py", "");
    assert_eq!(
        of_rule(&bundle, "NR-P09"),
        [(Severity::Info, "tinylib".to_owned())]
    );

    put(
        &mut bundle,
        MAIN,
        &format!("import sys\nsys.path.insert(0, 'libs')\n{main}"),
    );
    assert_eq!(of_rule(&bundle, "NR-P09"), []);
}

#[test]
fn functions_of_other_files_count() {
    let mut bundle = app_with(
        MAIN,
        "from . import schema\nschema.migrate()\ndef execute(data): return {}\n",
    );
    let made = "def migrate():\n    cur.execute('CREATE TABLE IF NOT EXISTS hw_a (id int)')\n";
    put(&mut bundle, "schema.py", made);
    assert_eq!(of_rule(&bundle, "NR-P04"), []);

    put(
        &mut bundle,
        MAIN,
        "from . import schema\ndef execute(data): return schema.migrate()\n",
    );
    assert_eq!(of_rule(&bundle, "NR-P04").len(), 1);
}

#[test]
fn sources_beside_a_component_are_no_errors() {
    let mut bundle = app_with(MAIN, "x = 1\n");
    put(&mut bundle, "component.wasm", "");

    let found = of_rule(&bundle, "NR-P01");
    assert_eq!(found, [(Severity::Warning, String::new())]);
}
