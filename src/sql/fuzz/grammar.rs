//! Writes random statements of PostgreSQL's grammar, most of them valid.
//!
//! Every table has the columns `id int`, `v text` and `a int[]`, so that any column fits any
//! table. Names of others, and functions that no app may call, can stand wherever a name can.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Tables of the app.
pub(super) const OWN: [&str; 4] = ["items", "public.tags", "app_x.notes", "notes"];
/// Tables of others, the host's and the catalog's.
const FOREIGN: [&str; 8] = [
    "app_other.secrets",
    "public.other_items",
    "other_items",
    "host_users",
    "pg_catalog.pg_authid",
    "pg_class",
    "information_schema.tables",
    "\"app_other\".\"secrets\"",
];
const INT_FUNCTIONS: [&str; 6] = [
    "length",
    "ascii",
    "char_length",
    "octet_length",
    "hashtext",
    "pg_advisory_lock",
];
const TEXT_FUNCTIONS: [&str; 10] = [
    "upper",
    "lower",
    "md5",
    "reverse",
    "btrim",
    "initcap",
    "quote_ident",
    "pg_read_file",
    "current_setting",
    "pg_ls_dir",
];
const TABLE_FUNCTIONS: [&str; 5] = [
    "pg_ls_dir('.')",
    "ts_stat('SELECT 1')",
    "pg_show_all_settings()",
    "pg_stat_get_activity(NULL)",
    "pg_catalog.pg_timezone_names()",
];
/// Also names of tables of others: a name in a WITH hides a table only where it is in scope.
const CTE_NAMES: [&str; 5] = ["c", "other_items", "host_users", "items", "pg_class"];

pub(super) struct Grammar {
    random: StdRng,
    /// How much deeper it may go.
    fuel: u32,
    /// The aliases that expressions can name, innermost last.
    aliases: Vec<String>,
    ctes: Vec<&'static str>,
    next: u32,
}

impl Grammar {
    /// The statement of a number: the same for the same number.
    pub(super) fn statement(seed: u64) -> String {
        let mut grammar = Self {
            random: StdRng::seed_from_u64(seed),
            fuel: 14,
            aliases: Vec::new(),
            ctes: Vec::new(),
            next: 0,
        };
        grammar.any_statement()
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.random.random_range(0..n) == 0
    }

    fn below(&mut self, n: usize) -> usize {
        self.random.random_range(0..n)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let place = self.below(from.len());
        from.get(place).copied().unwrap_or_default()
    }

    /// Whether there is room to nest, which costs some of it.
    fn deeper(&mut self) -> bool {
        if self.fuel == 0 {
            return false;
        }
        self.fuel -= 1;
        true
    }

    fn alias(&mut self) -> String {
        self.next += 1;
        format!("t{}", self.next)
    }

    fn table(&mut self) -> &'static str {
        if !self.ctes.is_empty() && self.one_in(3) {
            let ctes = self.ctes.clone();
            self.pick(&ctes)
        } else if self.one_in(7) {
            self.pick(&FOREIGN)
        } else {
            self.pick(&OWN)
        }
    }

    fn target(&mut self) -> &'static str {
        if self.one_in(7) {
            self.pick(&FOREIGN)
        } else {
            self.pick(&OWN)
        }
    }

    fn any_statement(&mut self) -> String {
        let with = if self.one_in(4) {
            self.with()
        } else {
            String::new()
        };
        let body = match self.below(10) {
            0 => self.insert(),
            1 => self.update(),
            2 => self.delete(),
            3 => self.merge(),
            4 if with.is_empty() => self.truncate(),
            5 if with.is_empty() => {
                let select = self.select(1);
                format!("DECLARE cur CURSOR FOR {select}")
            }
            _ => self.select(2),
        };
        with + &body
    }

    fn with(&mut self) -> String {
        let recursive = self.one_in(3);
        let mut parts = Vec::new();
        for _ in 0..=self.below(2) {
            let name = self.pick(&CTE_NAMES);
            if self.ctes.contains(&name) {
                continue;
            }
            let body = match self.below(6) {
                0 => self.insert() + " RETURNING id, v, a",
                1 => self.delete() + " RETURNING id, v, a",
                2 if recursive => {
                    let base = self.plain_select();
                    self.ctes.push(name);
                    let step = self.plain_select();
                    self.ctes.pop();
                    format!("{base} UNION {step} LIMIT 3")
                }
                _ => self.plain_select(),
            };
            let how = self.pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
            self.ctes.push(name);
            parts.push(format!("{name} (id, v, a) AS {how}({body})"));
        }
        let word = if recursive {
            "WITH RECURSIVE "
        } else {
            "WITH "
        };
        if parts.is_empty() {
            return String::new();
        }
        format!("{word}{} ", parts.join(", "))
    }

    /// A query of the columns that every table has.
    fn plain_select(&mut self) -> String {
        let depth = self.aliases.len();
        let from = self.item_of_from();
        let alias = self.aliases.last().cloned().unwrap_or_default();
        let filter = if self.one_in(2) {
            format!(" WHERE {}", self.boolean())
        } else {
            String::new()
        };
        self.aliases.truncate(depth);
        if self.one_in(8) {
            format!("TABLE {}", self.table())
        } else if self.one_in(10) {
            format!("VALUES ({}, {}, ARRAY[1])", self.int(), self.text())
        } else {
            format!("SELECT {alias}.id, {alias}.v, {alias}.a FROM {from}{filter}")
        }
    }

    fn select(&mut self, width: usize) -> String {
        let depth = self.aliases.len();
        let ctes = self.ctes.len();
        let from = self.from();
        let grouped = self.one_in(4);
        let targets: Vec<String> = (0..width)
            .map(|_| {
                if grouped {
                    self.aggregate()
                } else {
                    self.any_expression()
                }
            })
            .collect();
        let distinct = match self.below(8) {
            0 => "DISTINCT ".to_owned(),
            1 if !grouped => format!("DISTINCT ON ({}) ", self.any_expression()),
            _ => String::new(),
        };
        let mut sql = format!("SELECT {distinct}{} FROM {from}", targets.join(", "));
        if self.one_in(2) {
            sql += &format!(" WHERE {}", self.boolean());
        }
        if grouped && self.one_in(2) {
            let group = match self.below(4) {
                0 => format!("ROLLUP ({})", self.int()),
                1 => format!("GROUPING SETS (({}), ({}))", self.int(), self.text()),
                2 => format!("CUBE ({})", self.text()),
                _ => self.int(),
            };
            sql += &format!(" GROUP BY {group}");
            if self.one_in(2) {
                sql += &format!(" HAVING {} > 0", self.aggregate_of_int());
            }
        }
        if !grouped && self.one_in(6) {
            sql += &format!(
                " WINDOW w AS (PARTITION BY {} ORDER BY {})",
                self.text(),
                self.int()
            );
        }
        if !grouped && distinct.is_empty() {
            match self.below(9) {
                0 => {
                    sql += &format!(
                        " UNION ALL SELECT {} FROM {}",
                        vec!["NULL"; width].join(", "),
                        self.table()
                    )
                }
                1 => sql += &format!(" ORDER BY {}", self.any_expression()),
                2 => sql += &format!(" ORDER BY {} LIMIT 3 FOR UPDATE", self.int()),
                _ => {}
            }
        }
        if !sql.ends_with("UPDATE") && self.one_in(3) {
            self.aliases.truncate(depth);
            sql += &match self.below(3) {
                0 => format!(" LIMIT {}", self.int()),
                1 => format!(" OFFSET {}", self.int()),
                _ => format!(" FETCH FIRST ({}) ROWS ONLY", self.int()),
            };
        }
        self.aliases.truncate(depth);
        self.ctes.truncate(ctes);
        sql
    }

    fn from(&mut self) -> String {
        let mut from = self.item_of_from();
        while self.one_in(3) && self.deeper() {
            from = match self.below(5) {
                0 => format!("{from}, {}", self.item_of_from()),
                1 => format!("{from} CROSS JOIN LATERAL {}", self.lateral()),
                2 => format!(
                    "{from} LEFT JOIN {} ON {}",
                    self.item_of_from(),
                    self.boolean()
                ),
                3 => format!("{from} JOIN {} USING (id, v, a)", self.item_of_from()),
                _ => format!("{from} NATURAL JOIN {}", self.item_of_from()),
            };
        }
        from
    }

    fn lateral(&mut self) -> String {
        let body = self.plain_select();
        let alias = self.alias();
        self.aliases.push(alias.clone());
        format!("({body}) AS {alias} (id, v, a)")
    }

    fn item_of_from(&mut self) -> String {
        let item = match self.below(10) {
            0 if self.deeper() => format!("({})", self.plain_select()),
            1 => format!("(VALUES ({}, {}, ARRAY[2]))", self.int(), self.text()),
            2 => "ROWS FROM (generate_series(1, 2), unnest(ARRAY['x']), unnest(ARRAY[ARRAY[1]]))"
                .to_owned(),
            3 if self.one_in(4) => {
                let alias = self.alias();
                self.aliases.push(alias.clone());
                let function = self.pick(&TABLE_FUNCTIONS);
                return format!("{function} AS {alias}");
            }
            4 => {
                let alias = self.alias();
                let table = self.table();
                let percent = self.int();
                self.aliases.push(alias.clone());
                return format!("{table} AS {alias} TABLESAMPLE system ({percent})");
            }
            5 => format!("ONLY {}", self.table()),
            _ => self.table().to_owned(),
        };
        let alias = self.alias();
        self.aliases.push(alias.clone());
        if item.starts_with("ONLY") || !item.contains('(') {
            format!("{item} AS {alias}")
        } else {
            format!("{item} AS {alias} (id, v, a)")
        }
    }

    fn column(&mut self, name: &str) -> Option<String> {
        if self.aliases.is_empty() {
            return None;
        }
        let place = self.below(self.aliases.len());
        self.aliases
            .get(place)
            .map(|alias| format!("{alias}.{name}"))
    }

    fn any_expression(&mut self) -> String {
        match self.below(4) {
            0 => self.int(),
            1 => self.boolean(),
            2 => self.whole_row(),
            _ => self.text(),
        }
    }

    /// What names a whole row, or calls a function on it without looking like a call.
    fn whole_row(&mut self) -> String {
        let Some(alias) = self.column("") else {
            return self.text();
        };
        let alias = alias.trim_end_matches('.').to_owned();
        match self.below(5) {
            0 => format!("{alias}.row_to_json"),
            1 => format!("({alias}).to_json"),
            2 => format!("to_jsonb({alias})"),
            3 => format!("({alias}).v"),
            _ => format!("({alias}).*"),
        }
    }

    fn scalar(&mut self, column: &str) -> String {
        let depth = self.aliases.len();
        let from = self.item_of_from();
        let alias = self.aliases.last().cloned().unwrap_or_default();
        let filter = if self.one_in(3) {
            format!(" WHERE {}", self.boolean())
        } else {
            String::new()
        };
        self.aliases.truncate(depth);
        format!("(SELECT {alias}.{column} FROM {from}{filter} LIMIT 1)")
    }

    fn int(&mut self) -> String {
        if !self.deeper() {
            return "1".to_owned();
        }
        match self.below(16) {
            0 => "7".to_owned(),
            1 => self.scalar("id"),
            2 => format!("({} + {})", self.int(), self.int()),
            3 => format!(
                "CASE WHEN {} THEN {} ELSE 0 END",
                self.boolean(),
                self.int()
            ),
            4 => format!("COALESCE({}, {})", self.int(), self.int()),
            5 => format!("(ARRAY[{}])[{}]", self.int(), self.int()),
            6 => format!("((ARRAY[1, 2])[1:{}])[1]", self.int()),
            7 => format!("{}({})", self.pick(&INT_FUNCTIONS), self.text()),
            8 => format!("({}).{}", self.text(), self.pick(&INT_FUNCTIONS)),
            9 => format!("GREATEST({}, 2)", self.int()),
            10 => format!("({})::int", self.int()),
            11 => format!("cardinality(ARRAY(SELECT id FROM {}))", self.table()),
            12 => format!("EXTRACT(YEAR FROM now())::int + {}", self.int()),
            13 if self.one_in(4) => "'app_other.secrets'::regclass::oid::int".to_owned(),
            14 => format!("POSITION({} IN {})", self.text(), self.text()),
            _ => self.column("id").unwrap_or_else(|| "2".to_owned()),
        }
    }

    fn text(&mut self) -> String {
        if !self.deeper() {
            return "'a'".to_owned();
        }
        match self.below(16) {
            0 => "'x'".to_owned(),
            1 => self.scalar("v"),
            2 => format!("({} || {})", self.text(), self.text()),
            3 => format!("{}({})", self.pick(&TEXT_FUNCTIONS), self.text()),
            4 => format!("({}).{}", self.text(), self.pick(&TEXT_FUNCTIONS)),
            5 => format!("({} COLLATE \"C\")", self.text()),
            6 => format!("SUBSTRING({} FROM {})", self.text(), self.int()),
            7 => format!(
                "array_to_string(ARRAY[{}, {}], ',')",
                self.text(),
                self.text()
            ),
            8 => format!("CAST({} AS text)", self.int()),
            9 => format!("NULLIF({}, 'b')", self.text()),
            10 => format!("json_build_object('k', {})::text", self.text()),
            11 if self.one_in(3) => self
                .pick(&[
                    "current_user::text",
                    "session_user::text",
                    "current_catalog::text",
                    "current_schema::text",
                ])
                .to_owned(),
            12 if self.one_in(3) => format!("xmlelement(name a, {})::text", self.text()),
            13 => format!("format('%s', VARIADIC ARRAY[{}])", self.text()),
            14 => format!("OVERLAY({} PLACING 'z' FROM 1)", self.text()),
            _ => self.column("v").unwrap_or_else(|| "'c'".to_owned()),
        }
    }

    fn boolean(&mut self) -> String {
        if !self.deeper() {
            return "true".to_owned();
        }
        match self.below(12) {
            0 => format!("EXISTS (SELECT 1 FROM {})", self.table()),
            1 => format!("{} IN (SELECT id FROM {})", self.int(), self.table()),
            2 => format!("{} = ANY (SELECT v FROM {})", self.text(), self.table()),
            3 => format!("{} BETWEEN {} AND {}", self.int(), self.int(), self.int()),
            4 => format!("{} LIKE {} ESCAPE '!'", self.text(), self.text()),
            5 => format!(
                "({}, {}) < ({}, {})",
                self.int(),
                self.text(),
                self.int(),
                self.text()
            ),
            6 => format!("NOT ({} AND {})", self.boolean(), self.boolean()),
            7 => format!("{} IS DISTINCT FROM {}", self.text(), self.text()),
            8 => format!("({}) IS NULL", self.int()),
            9 => format!(
                "({}, {}) IN (SELECT id, v FROM {})",
                self.int(),
                self.text(),
                self.table()
            ),
            10 => format!("{} OPERATOR(pg_catalog.=) {}", self.int(), self.int()),
            _ => format!("{} > {}", self.int(), self.int()),
        }
    }

    fn aggregate(&mut self) -> String {
        match self.below(5) {
            0 => format!("string_agg({}, ',' ORDER BY {})", self.text(), self.int()),
            1 => format!(
                "array_agg({}) FILTER (WHERE {})",
                self.int(),
                self.boolean()
            ),
            2 => format!("json_agg({})", self.text()),
            3 => format!(
                "percentile_cont(0.5) WITHIN GROUP (ORDER BY {}::float8)",
                self.int()
            ),
            _ => self.aggregate_of_int(),
        }
    }

    fn aggregate_of_int(&mut self) -> String {
        let function = self.pick(&["sum", "max", "min", "count"]);
        format!("{function}({})", self.int())
    }

    fn insert(&mut self) -> String {
        let table = self.target();
        let body = match self.below(3) {
            0 => "DEFAULT VALUES".to_owned(),
            1 => format!("(id, v) VALUES ({}, {})", self.int(), self.text()),
            _ => format!("(id, v, a) {}", self.plain_select()),
        };
        let conflict = match self.below(4) {
            0 => " ON CONFLICT DO NOTHING".to_owned(),
            1 => format!(
                " ON CONFLICT (id) DO UPDATE SET v = {}, id = EXCLUDED.id WHERE {}",
                self.text(),
                self.boolean()
            ),
            _ => String::new(),
        };
        format!("INSERT INTO {table} {body}{conflict}")
    }

    fn update(&mut self) -> String {
        let depth = self.aliases.len();
        let table = self.target();
        let alias = self.alias();
        self.aliases.push(alias.clone());
        let set = match self.below(3) {
            0 => format!("(id, v) = ({}, {})", self.int(), self.text()),
            1 => format!("(id, v) = (SELECT id, v FROM {} LIMIT 1)", self.table()),
            _ => format!("v = {}, a[{}] = {}", self.text(), self.int(), self.int()),
        };
        let from = if self.one_in(3) {
            format!(" FROM {}", self.item_of_from())
        } else {
            String::new()
        };
        let filter = if self.one_in(2) {
            format!(" WHERE {}", self.boolean())
        } else {
            String::new()
        };
        let returning = self.returning();
        self.aliases.truncate(depth);
        format!("UPDATE {table} AS {alias} SET {set}{from}{filter}{returning}")
    }

    fn delete(&mut self) -> String {
        let depth = self.aliases.len();
        let table = self.target();
        let alias = self.alias();
        self.aliases.push(alias.clone());
        let using = if self.one_in(3) {
            format!(" USING {}", self.item_of_from())
        } else {
            String::new()
        };
        let filter = if self.one_in(2) {
            format!(" WHERE {}", self.boolean())
        } else {
            String::new()
        };
        self.aliases.truncate(depth);
        format!("DELETE FROM {table} AS {alias}{using}{filter}")
    }

    fn returning(&mut self) -> String {
        if self.one_in(3) {
            format!(" RETURNING {}", self.any_expression())
        } else {
            String::new()
        }
    }

    fn merge(&mut self) -> String {
        let depth = self.aliases.len();
        let table = self.target();
        let alias = self.alias();
        let source = self.item_of_from();
        self.aliases.push(alias.clone());
        let on = self.boolean();
        let matched = match self.below(3) {
            0 => format!("WHEN MATCHED AND {} THEN DELETE", self.boolean()),
            1 => format!("WHEN MATCHED THEN UPDATE SET v = {}", self.text()),
            _ => "WHEN MATCHED THEN DO NOTHING".to_owned(),
        };
        // What is not matched has no row of the target.
        self.aliases.pop();
        let missing = format!(
            "WHEN NOT MATCHED AND {} THEN INSERT (id, v) VALUES ({}, {})",
            self.boolean(),
            self.int(),
            self.text()
        );
        self.aliases.truncate(depth);
        format!("MERGE INTO {table} AS {alias} USING {source} ON {on} {matched} {missing}")
    }

    fn truncate(&mut self) -> String {
        let how = self.pick(&["", " RESTART IDENTITY", " CASCADE"]);
        format!("TRUNCATE {}, {}{how}", self.target(), self.target())
    }
}
