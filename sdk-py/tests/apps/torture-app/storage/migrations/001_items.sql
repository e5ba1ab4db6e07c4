-- Items; a semicolon in a comment; is no end.
CREATE TABLE IF NOT EXISTS torture_items (id SERIAL PRIMARY KEY, name TEXT NOT NULL DEFAULT ';');
/* nested /* ; */ comment */
CREATE OR REPLACE FUNCTION torture_twice(n int) RETURNS int LANGUAGE plpgsql AS $body$
BEGIN
    RETURN n * 2;
END;
$body$;
