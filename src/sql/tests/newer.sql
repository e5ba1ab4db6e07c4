-- json constructors
SELECT json_object('a' : 1, 'b' VALUE title ABSENT ON NULL WITH UNIQUE KEYS RETURNING jsonb), json_array(1, 2 NULL ON NULL), json_array(SELECT id FROM items), json_arrayagg(title ORDER BY id), json_objectagg(title : id) FILTER (WHERE done) FROM items GROUP BY title
-- json tests
SELECT body IS JSON OBJECT WITH UNIQUE KEYS, json_value(body, '$.a' PASSING 1 AS x RETURNING int DEFAULT 0 ON EMPTY ERROR ON ERROR), json_query(body, '$.b' WITH WRAPPER), json_exists(body, '$.c'), json_scalar(1), json_serialize(body RETURNING text), json('{}') FROM items
-- json table
SELECT t.* FROM items i, json_table(i.body, '$.list[*]' PASSING 1 AS x COLUMNS (n FOR ORDINALITY, a text PATH '$.a' DEFAULT '-' ON EMPTY, e bool EXISTS PATH '$.e', NESTED PATH '$.sub' COLUMNS (b int))) AS t
-- merge with a result
MERGE INTO inventory t USING tags s ON t.sku = s.id WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action(), t.*
-- old and new
UPDATE inventory SET qty = qty + 1 RETURNING old.qty, new.qty
-- old and new by other names
DELETE FROM inventory RETURNING WITH (OLD AS o) o.qty
-- newer functions
SELECT uuidv7(), any_value(title), array_shuffle(tags), random(1, 6), to_bin(3) FROM items GROUP BY tags
