//! The statements behind [`super::Roles`].
//!
//! Names go in quoted, because apps choose a part of them; nothing else of theirs does.

use super::names::Names;

/// How many sessions the app's role may have, over all nodes.
const APP_SESSIONS: u16 = 64;
/// Two deploys of one app, and what their sessions leave behind for a moment.
const OWNER_SESSIONS: u16 = 8;

/// One deploy or removal at a time: grants on a shared object may not run side by side.
pub(super) const LOCK: &str =
    "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('skep roles', 0))";

pub(super) const HOST_LOGIN: &str = "\
    SELECT rolname::text, rolsuper, rolcreaterole,
        pg_catalog.pg_has_role(datdba, 'USAGE')
    FROM pg_catalog.pg_roles, pg_catalog.pg_database
    WHERE rolname = current_user AND datname = current_database()";

pub(super) const ROLE: &str = "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1::text::name";

pub(super) const SCHEMA_OWNER: &str = "\
    SELECT pg_catalog.pg_get_userbyid(nspowner)::text
    FROM pg_catalog.pg_namespace
    WHERE nspname = $1::text::name";

pub(super) const TERMINATE: &str = "\
    SELECT pg_catalog.pg_terminate_backend(pid)
    FROM pg_catalog.pg_stat_activity
    WHERE usename = $1::text::name";

/// What every role may call unless it is told otherwise, and no contract asks for: large
/// objects, which belong to no table, and what reaches beyond the session's own rows.
/// Advisory locks stay, because portable code serialises its work with them. Without a language
/// nobody makes functions that others would run, and DO has nothing to run.
pub(super) const CLOSE_FUNCTIONS: &str = "
    REVOKE EXECUTE ON FUNCTION
        pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
        pg_catalog.lo_from_bytea(oid, bytea), pg_catalog.lo_open(oid, integer),
        pg_catalog.lo_put(oid, bigint, bytea), pg_catalog.lowrite(integer, bytea),
        pg_catalog.lo_get(oid), pg_catalog.lo_get(oid, bigint, integer),
        pg_catalog.loread(integer, integer), pg_catalog.lo_unlink(oid),
        pg_catalog.lo_truncate(integer, integer), pg_catalog.lo_truncate64(integer, bigint),
        pg_catalog.pg_notify(text, text), pg_catalog.pg_export_snapshot(),
        pg_catalog.pg_logical_emit_message(boolean, text, text),
        pg_catalog.pg_logical_emit_message(boolean, text, bytea)
    FROM PUBLIC;
    REVOKE USAGE ON LANGUAGE sql, plpgsql FROM PUBLIC";

/// Nobody gets in, or makes anything, just because the database is there.
pub(super) fn close_database(database: &str) -> String {
    let database = quoted(database);
    format!(
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC;
         REVOKE ALL ON SCHEMA public FROM PUBLIC"
    )
}

pub(super) fn create(role: &str) -> String {
    format!(
        "CREATE ROLE {} NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
        quoted(role)
    )
}

pub(super) fn join(role: &str, host: &str) -> String {
    format!("GRANT {} TO {}", quoted(role), quoted(host))
}

/// Puts both roles right: a session may change its own role's settings for ever, so they
/// are set anew each time. The time limits are for a host that is gone; one that lives
/// holds each call to its own budget, which is shorter.
pub(super) fn configure(names: &Names, verifiers: &[String; 2], database: &str) -> String {
    let [app_verifier, owner_verifier] = verifiers;
    let (app, owner) = (quoted(&names.app), quoted(&names.owner));
    let database = quoted(database);
    let fixed = |role: &str, sessions: u16, verifier: &str| {
        format!(
            "ALTER ROLE {role} LOGIN NOINHERIT CONNECTION LIMIT {sessions} PASSWORD '{verifier}';
             ALTER ROLE {role} RESET ALL;
             ALTER ROLE {role} SET standard_conforming_strings = on;
             ALTER ROLE {role} SET TimeZone = 'UTC';
             ALTER ROLE {role} SET DateStyle = 'ISO, MDY';
             ALTER ROLE {role} SET IntervalStyle = 'postgres';
             ALTER ROLE {role} SET idle_in_transaction_session_timeout = '15min';
             ALTER ROLE {role} SET statement_timeout = '15min';
             ALTER ROLE {role} SET search_path = public;
             GRANT CONNECT ON DATABASE {database} TO {role};"
        )
    };
    format!(
        "{}
         {}
         -- A migration that waits behind a call makes every later call wait behind it.
         ALTER ROLE {owner} SET lock_timeout = '10s';
         GRANT USAGE ON SCHEMA public TO {app};
         GRANT USAGE, CREATE ON SCHEMA public TO {owner};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON FUNCTIONS FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE ALL ON TYPES FROM PUBLIC;
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT {TABLE} ON TABLES TO {app};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT {SEQUENCE} ON SEQUENCES TO {app};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT EXECUTE ON FUNCTIONS TO {app};
         ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE ON TYPES TO {app}",
        fixed(&app, APP_SESSIONS, app_verifier),
        fixed(&owner, OWNER_SESSIONS, owner_verifier),
    )
}

/// Notes which app the sessions of a role belong to, and what its queue wants to be told.
pub(super) const OWN_ROLE: &str = "
    INSERT INTO skep.app_roles (role, app, queue_secret) VALUES ($1::text::name, $2, sha256($3))
    ON CONFLICT (role) DO UPDATE SET app = excluded.app, queue_secret = excluded.queue_secret";

/// What apps may write of their jobs by SQL.
pub(super) const JOB_COLUMNS: &[&str] = &["progress", "updated_at"];

/// What calls may do with the app's jobs. The functions want a secret that only the host has.
pub(super) fn jobs(role: &str) -> String {
    let role = quoted(role);
    format!(
        "GRANT USAGE ON SCHEMA skep_jobs, noderouter_core TO {role};
         GRANT EXECUTE ON FUNCTION
             skep_jobs.fence(uuid, integer, bytea),
             skep_jobs.complete(uuid, integer, bytea, text),
             skep_jobs.complete(uuid, integer, bytea, text, text[], text[]),
             skep_jobs.report(uuid, integer, bytea, integer, text),
             skep_jobs.enqueue(uuid, text, text, uuid, integer, bigint, integer, integer, integer,
                 integer, text, bytea)
         TO {role};
         GRANT SELECT, UPDATE ({columns}) ON noderouter_core.job_queue TO {role}",
        columns = JOB_COLUMNS.join(", ")
    )
}

const TABLE: &str = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE";
const SEQUENCE: &str = "SELECT, UPDATE, USAGE";

/// The schema of the app's own, behind `public` in the path of both roles.
pub(super) fn schema(schema: &str, names: &Names) -> String {
    let (app, owner) = (quoted(&names.app), quoted(&names.owner));
    let schema = quoted(schema);
    format!(
        "CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner};
         REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
         GRANT USAGE ON SCHEMA {schema} TO {app};
         ALTER ROLE {app} SET search_path = public, {schema};
         ALTER ROLE {owner} SET search_path = public, {schema}"
    )
}

/// Statements that grant `$2` the use of everything that `$1` owns.
pub(super) const REGRANT: &str = "
    SELECT format(
        CASE relkind
            WHEN 'S' THEN 'GRANT SELECT, UPDATE, USAGE ON SEQUENCE %I.%I TO %I'
            ELSE 'GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLE %I.%I TO %I'
        END, nspname, relname, $2::text)
    FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1::text::name)
        AND relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT format('GRANT USAGE ON TYPE %I.%I TO %I', nspname, typname, $2::text)
    FROM pg_catalog.pg_type
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = typnamespace
    WHERE typowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1::text::name)
        AND typtype IN ('e', 'd', 'r')
    UNION ALL
    SELECT format('GRANT EXECUTE ON FUNCTION %s TO %I', pg_proc.oid::regprocedure, $2::text)
    FROM pg_catalog.pg_proc
    WHERE proowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1::text::name)
        AND prokind = 'f'";

/// Whether the grants hold: the app's role can make nothing, and the owner's can.
pub(super) const CHECK: &str = "
    SELECT has_schema_privilege($1::text::name, 'public', 'USAGE')
        AND NOT has_schema_privilege($1::text::name, 'public', 'CREATE')
        AND has_schema_privilege($2::text::name, 'public', 'CREATE')
        AND has_database_privilege($1::text::name, current_database(), 'CONNECT')
        AND NOT has_database_privilege($1::text::name, current_database(), 'TEMPORARY')";

pub(super) const TABLES: &str = "
    SELECT nspname::text, relname::text,
        CASE WHEN reltuples < 0 THEN NULL ELSE reltuples::bigint END,
        pg_catalog.pg_total_relation_size(pg_class.oid)
    FROM pg_catalog.pg_class
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1::text::name)
        AND relkind IN ('r', 'p')
    ORDER BY 1, 2";

/// The relations and types that role `$1` owns, and those of `public` that others own: schema,
/// name, owner, whether it is a type.
pub(super) const NAMES: &str = "
    WITH thing AS (
        SELECT relnamespace AS namespace, relname AS name, relowner AS owner, false AS is_type
        FROM pg_catalog.pg_class
        WHERE relkind <> 'c'
        UNION ALL
        SELECT typnamespace, typname, typowner, true
        FROM pg_catalog.pg_type
        LEFT JOIN pg_catalog.pg_class ON pg_class.oid = typrelid
        WHERE typcategory <> 'A' AND (typrelid = 0 OR relkind = 'c')
    )
    SELECT nspname::text, name::text, rolname::text, is_type
    FROM thing
    JOIN pg_catalog.pg_namespace ON pg_namespace.oid = namespace
    JOIN pg_catalog.pg_roles ON pg_roles.oid = owner
    WHERE nspname = 'public' OR (rolname = $1 AND NOT pg_catalog.starts_with(nspname, 'pg_'))";

/// The owners' roles of the tables `$1[i].$2[i]`, in that order.
pub(super) const TABLE_OWNERS: &str = "
    SELECT pg_catalog.pg_get_userbyid(relowner)::text
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (schema, name, place)
    LEFT JOIN pg_catalog.pg_namespace ON nspname = asked.schema
    LEFT JOIN pg_catalog.pg_class ON relnamespace = pg_namespace.oid AND relname = asked.name
        AND relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY place";

/// What role `$1[i]` shall have on table `$3[i].$4[i]`, if that is role `$2[i]`'s: the table,
/// its schema, and where it is for writing (`$5[i]`) the sequences that number its rows.
pub(super) const WANTED_GRANTS: &str = "
    WITH granted AS (
        SELECT role, write, relation.oid, relnamespace, nspname, relname
        FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[])
            AS granted (role, owner, schema, name, write)
        JOIN pg_catalog.pg_roles AS roles ON roles.rolname = granted.role
        JOIN pg_catalog.pg_namespace ON nspname = granted.schema
        JOIN pg_catalog.pg_class AS relation
            ON relnamespace = pg_namespace.oid AND relname = granted.name
            AND relkind IN ('r', 'p', 'v', 'm')
            AND pg_catalog.pg_get_userbyid(relowner) = granted.owner::name
    )
    SELECT role, 'TABLE', format('%I.%I', nspname, relname), privilege
    FROM granted
    JOIN (VALUES ('SELECT', false), ('INSERT', true), ('UPDATE', true), ('DELETE', true))
        AS privileges (privilege, writes) ON write OR NOT writes
    UNION
    SELECT role, 'SCHEMA', format('%I', nspname), 'USAGE'
    FROM granted
    WHERE nspname <> 'public'
    UNION
    SELECT role, 'SEQUENCE', format('%I.%I', schema.nspname, sequence.relname), 'USAGE'
    FROM granted
    JOIN pg_catalog.pg_depend
        ON refclassid = 'pg_catalog.pg_class'::regclass AND refobjid = granted.oid
        AND classid = 'pg_catalog.pg_class'::regclass AND deptype IN ('a', 'i')
    JOIN pg_catalog.pg_class AS sequence ON sequence.oid = objid AND sequence.relkind = 'S'
    JOIN pg_catalog.pg_namespace AS schema ON schema.oid = sequence.relnamespace
    WHERE write";

/// What roles of apps, whose names begin with `$1`, have on what belongs to another app.
/// Rights to single columns count as one that nobody is ever granted.
pub(super) const FOUND_GRANTS: &str = "
    WITH role AS (
        SELECT oid, rolname::text AS name, pg_catalog.left(rolname, -4) AS app
        FROM pg_catalog.pg_roles
        WHERE pg_catalog.starts_with(rolname, $1)
            AND pg_catalog.right(rolname, 4) IN ('_app', '_own')
    ), object AS (
        SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
            format('%I.%I', nspname, relname) AS name, relowner AS owner,
            acl.grantee, acl.privilege_type AS privilege
        FROM pg_catalog.pg_class
        JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN pg_catalog.aclexplode(relacl) AS acl
        UNION ALL
        SELECT 'SCHEMA', format('%I', nspname), nspowner, acl.grantee, acl.privilege_type
        FROM pg_catalog.pg_namespace
        CROSS JOIN pg_catalog.aclexplode(nspacl) AS acl
        UNION ALL
        SELECT 'TABLE', format('%I.%I', nspname, relname), relowner, acl.grantee, 'COLUMN'
        FROM pg_catalog.pg_attribute
        JOIN pg_catalog.pg_class ON pg_class.oid = attrelid
        JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN pg_catalog.aclexplode(attacl) AS acl
    )
    SELECT grantee.name, object.kind, object.name, object.privilege
    FROM object
    JOIN role AS grantee ON grantee.oid = object.grantee
    JOIN role AS owner ON owner.oid = object.owner
    WHERE grantee.app <> owner.app";

/// Leaves the owner role to its tables, and lets nobody log in as it.
pub(super) fn suspend(role: &str, database: &str) -> String {
    let role = quoted(role);
    let database = quoted(database);
    format!("ALTER ROLE {role} NOLOGIN; REVOKE ALL ON DATABASE {database} FROM {role}")
}

/// Without CASCADE: what other apps built on these tables is theirs to remove.
pub(super) fn drop(role: &str) -> String {
    let role = quoted(role);
    format!("DROP OWNED BY {role}; DROP ROLE {role}")
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
