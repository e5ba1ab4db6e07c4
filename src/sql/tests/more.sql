-- names of functions that are columns
SELECT p.count, p.rank, p.mode, p.name, p.value, p.date, p.format, p.position, p.left, p.version FROM persons p
-- the same without an alias
SELECT count, rank, mode, name, value, date, format, "position", "left", version FROM persons ORDER BY persons.rank, persons.version
-- a column named by its function
SELECT s.json_agg, s.row_to_json FROM (SELECT json_agg(t.name), row_to_json(t) FROM tags t GROUP BY t.id) s
-- a named column of a function
SELECT f.version, f.pg_class FROM jsonb_to_recordset('[]') AS f(version text, pg_class text)
-- a named value of a function
SELECT f.version FROM unnest(ARRAY['1']) AS f(version)
-- fields of a row
SELECT (t).name, (jsonb_each(i.body)).key, (i.tags)[1:2], i.tags[1] FROM tags t, items i
-- savepoint
SAVEPOINT before_import
-- nested with
WITH items AS (SELECT 1 AS a), b AS (SELECT a FROM items) SELECT * FROM b, items
-- a name of WITH in a subquery
WITH gone AS (SELECT 1 AS a) SELECT (SELECT a FROM gone), ARRAY(SELECT a FROM gone) FROM (SELECT * FROM gone) s
-- forward reference in a recursive list
WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1 AS x) SELECT * FROM a
-- search and cycle
WITH RECURSIVE t AS (SELECT id, parent_id FROM nodes UNION ALL SELECT n.id, n.parent_id FROM nodes n JOIN t ON n.parent_id = t.id) SEARCH DEPTH FIRST BY id SET ordering CYCLE id SET looped USING path SELECT * FROM t
-- lock a WITH query's table inside
WITH next AS (SELECT id FROM jobs WHERE state = 'queued' FOR UPDATE SKIP LOCKED LIMIT 1) UPDATE jobs SET state = 'running' FROM next WHERE jobs.id = next.id RETURNING jobs.*
-- lock some of many
SELECT i.id FROM items i LEFT JOIN comments c ON c.item_id = i.id FOR NO KEY UPDATE OF i NOWAIT
-- grouping
SELECT owner, done, count(*), grouping(owner) FROM items GROUP BY GROUPING SETS ((owner), ROLLUP (done), ())
-- windows
SELECT id, first_value(title) OVER w, ntile(4) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM items WINDOW w AS (PARTITION BY owner ORDER BY created_at)
-- ordered sets
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score), mode() WITHIN GROUP (ORDER BY owner), string_agg(DISTINCT owner, ', ' ORDER BY owner) FROM items
-- rows from
SELECT * FROM ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) WITH ORDINALITY AS t(n, x, i)
-- sample
SELECT id FROM items TABLESAMPLE bernoulli (10) REPEATABLE (1)
-- table, values, only
TABLE tags
-- insert default values
INSERT INTO comments DEFAULT VALUES RETURNING id
-- insert many with default
INSERT INTO tags (id, name) OVERRIDING USER VALUE VALUES (DEFAULT, 'a'), (2, E'b\'s') ON CONFLICT ON CONSTRAINT tags_name_key DO UPDATE SET (name) = ROW(EXCLUDED.name)
-- update several columns
UPDATE players SET (a, b) = (SELECT max(sku), min(qty) FROM inventory), name = DEFAULT WHERE (a, b) IS DISTINCT FROM (1, 2)
-- array and json assignment
UPDATE items SET tags[1] = 'x', tags[2:3] = '{a,b}', body = (body || '{"a": 1}') - 'b'::text #- '{c,d}' WHERE body ?| ARRAY['a'] AND body @? '$.a' AND tags && ARRAY['x']
-- merge all
MERGE INTO inventory t USING (VALUES (1, 2)) AS s(sku, qty) ON t.sku = s.sku WHEN MATCHED AND s.qty = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET qty = s.qty WHEN NOT MATCHED AND s.qty > 0 THEN INSERT VALUES (s.sku, s.qty) WHEN NOT MATCHED THEN DO NOTHING
-- time
SELECT date_trunc('month', created_at AT TIME ZONE 'Europe/Berlin'), age(created_at), extract(isodow FROM created_at), to_char(created_at, 'IYYY-IW'), make_interval(days => 3), (created_at, created_at) OVERLAPS (now(), interval '1 day'), CURRENT_DATE - 1, LOCALTIME, timestamp '2026-01-01' FROM items
-- text
SELECT overlay(title PLACING 'x' FROM 1 FOR 2), title ~* '^a', title SIMILAR TO 'a%', title COLLATE "und-x-icu", title NOT LIKE ALL (ARRAY['a%']), regexp_replace(title, '\s+', ' ', 'g'), format('%s-%I', title, owner), left(title, 3), normalize(title, NFC), title IS NORMALIZED, U&'\0041', $tag$it's$tag$, split_part(title, ' ', 1), md5(title), encode(sha256(title::bytea), 'hex') FROM items
-- casts
SELECT '1'::int, CAST('2' AS numeric(5, 1)), date '2026-01-01', '{1,2}'::int[], '{1,2}'::_int4, float8 '1.5', text(1), int4(1.6), 'good'::mood, 'dark'::shop.shade, NULL::public.items, '(0,1)'::tid, B'101', X'1F' FROM tags
-- rows of an own type
SELECT r.* FROM jsonb_populate_recordset(NULL::items, '[]') r
-- a sequence of the app's own
SELECT nextval('items_number'), currval('public.items_number')
-- cast notation with the schema of PostgreSQL
SELECT pg_catalog.lower('X'), '1'::pg_catalog.int4
-- a cursor
DECLARE "my cursor" NO SCROLL CURSOR WITHOUT HOLD FOR SELECT * FROM items ORDER BY id
-- in the own schema
SELECT o.rank, o.version FROM shop.orders o
-- empty them
TRUNCATE items, item_tags RESTART IDENTITY
-- all of DISTINCT
SELECT DISTINCT owner FROM items UNION (SELECT 'x' EXCEPT ALL SELECT NULL) ORDER BY 1 NULLS FIRST FETCH FIRST 3 ROWS WITH TIES
-- no columns
SELECT FROM items
-- comments of all kinds
SELECT /* a /* b */ c */ 1 -- d
;
-- of the example tally
SELECT count(*), coalesce(sum(amount), 0) FROM tally_entries WHERE name = $1
-- its write
INSERT INTO tally_entries (name, amount) VALUES ($1, $2) RETURNING id
-- of the example hello
INSERT INTO hello_visits (name, visits) VALUES ('x', 1) ON CONFLICT (name) DO UPDATE SET visits = hello_visits.visits + 1 RETURNING visits
