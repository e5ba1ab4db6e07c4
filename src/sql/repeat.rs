//! What happens when a statement is sent again: what its author is told, and nothing that is
//! decided by.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AlterTableCmd, AlterTableStmt, AlterTableType, DropStmt, InsertStmt, Node, ObjectType,
};

use super::{STACK, guard, parse};

/// What happens when a statement is sent a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing that is known to be wrong.
    Harmless,
    /// It fails; with the words that keep it from that.
    Fails(&'static str),
    /// It fails, and there are no such words.
    AlwaysFails,
    /// Rows are there twice.
    Doubles,
    /// Rows are lost.
    Loses,
    /// Nothing more, unless what it drops has been made again, with new rows.
    Drops,
}

/// What happens when a statement is sent a second time. A text that cannot be read is harmless:
/// [`super::inspect`] says what is wrong with it.
pub(crate) fn repeat(sql: &str) -> Repeat {
    if parse::admit_length(sql).is_err() || guard::admit(sql).is_err() {
        return Repeat::Harmless;
    }
    stacker::grow(STACK, || {
        let statement = parse::one_statement(sql).ok();
        let kind = statement
            .as_ref()
            .and_then(|statement| statement.node.as_ref());
        kind.map_or(Repeat::Harmless, of)
    })
}

fn of(statement: &NodeEnum) -> Repeat {
    const NOT_EXISTS: &str = "IF NOT EXISTS";
    let unless = |tolerant: bool, words| match tolerant {
        true => Repeat::Harmless,
        false => Repeat::Fails(words),
    };
    if let NodeEnum::CreateStmt(create) = statement {
        unless(create.if_not_exists, NOT_EXISTS)
    } else if let NodeEnum::CreateSchemaStmt(create) = statement {
        unless(create.if_not_exists, NOT_EXISTS)
    } else if let NodeEnum::CreateSeqStmt(create) = statement {
        unless(create.if_not_exists, NOT_EXISTS)
    } else if let NodeEnum::IndexStmt(create) = statement {
        unless(create.if_not_exists, NOT_EXISTS)
    } else if let NodeEnum::ViewStmt(create) = statement {
        unless(create.replace, "OR REPLACE")
    } else if let NodeEnum::AlterEnumStmt(alter) = statement {
        let adds = alter.old_val.is_empty();
        if adds {
            unless(alter.skip_if_new_val_exists, NOT_EXISTS)
        } else {
            Repeat::AlwaysFails
        }
    } else if let NodeEnum::CreateEnumStmt(_) | NodeEnum::RenameStmt(_) = statement {
        Repeat::AlwaysFails
    } else if let NodeEnum::AlterTableStmt(alter) = statement {
        altered(alter)
    } else if let NodeEnum::DropStmt(drop) = statement {
        dropped(drop)
    } else if let NodeEnum::TruncateStmt(_) = statement {
        Repeat::Loses
    } else if let NodeEnum::InsertStmt(insert) = statement {
        inserted(insert)
    } else {
        Repeat::Harmless
    }
}

/// Only what adds and drops columns has words for it; a constraint that is there already needs
/// more than a statement.
fn altered(alter: &AlterTableStmt) -> Repeat {
    let commands = alter.cmds.iter().filter_map(|command| match &command.node {
        Some(NodeEnum::AlterTableCmd(command)) => Some(command.as_ref()),
        Some(_) | None => None,
    });
    let fails = |command: &AlterTableCmd| {
        let kind = AlterTableType::try_from(command.subtype);
        if command.missing_ok {
            None
        } else if kind == Ok(AlterTableType::AtAddColumn) {
            Some("IF NOT EXISTS")
        } else if kind == Ok(AlterTableType::AtDropColumn)
            || kind == Ok(AlterTableType::AtDropConstraint)
        {
            Some("IF EXISTS")
        } else {
            None
        }
    };
    let words = commands.filter_map(fails).next();
    words.map_or(Repeat::Harmless, Repeat::Fails)
}

/// A view or an index holds no rows of its own.
fn dropped(drop: &DropStmt) -> Repeat {
    let kind = ObjectType::try_from(drop.remove_type);
    let is_empty = kind == Ok(ObjectType::ObjectView) || kind == Ok(ObjectType::ObjectIndex);
    match (drop.missing_ok, is_empty) {
        (true, true) => Repeat::Harmless,
        (false, _) => Repeat::Fails("IF EXISTS"),
        (true, false) => Repeat::Drops,
    }
}

/// Rows that are written out come again each time; a query may see that they are there.
fn inserted(insert: &InsertStmt) -> Repeat {
    let source = insert.select_stmt.as_deref().and_then(select);
    let is_written_out =
        source.is_none_or(|source| source.from_clause.is_empty() && source.where_clause.is_none());
    if insert.on_conflict_clause.is_none() && is_written_out && insert.with_clause.is_none() {
        Repeat::Doubles
    } else {
        Repeat::Harmless
    }
}

fn select(node: &Node) -> Option<&pg_query::protobuf::SelectStmt> {
    match &node.node {
        Some(NodeEnum::SelectStmt(select)) => Some(select),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_for_every_deploy_are_harmless() {
        for sql in [
            "CREATE TABLE IF NOT EXISTS a (id int)",
            "CREATE INDEX IF NOT EXISTS b ON a (id)",
            "CREATE SCHEMA IF NOT EXISTS c",
            "CREATE OR REPLACE VIEW v AS SELECT 1",
            "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int",
            "ALTER TABLE a ALTER COLUMN b TYPE text",
            "ALTER TABLE a DROP COLUMN IF EXISTS b",
            "DROP VIEW IF EXISTS v",
            "INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING",
            "INSERT INTO a SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM a)",
            "UPDATE a SET b = 1",
            "not a statement",
        ] {
            assert_eq!(repeat(sql), Repeat::Harmless, "{sql}");
        }
    }

    #[test]
    fn others_fail_double_or_lose() {
        for (sql, expected) in [
            ("CREATE TABLE a (id int)", Repeat::Fails("IF NOT EXISTS")),
            (
                "CREATE UNIQUE INDEX b ON a (id)",
                Repeat::Fails("IF NOT EXISTS"),
            ),
            ("CREATE VIEW v AS SELECT 1", Repeat::Fails("OR REPLACE")),
            (
                "ALTER TABLE a ADD COLUMN IF NOT EXISTS b int, ADD COLUMN c int",
                Repeat::Fails("IF NOT EXISTS"),
            ),
            ("ALTER TABLE a DROP COLUMN c", Repeat::Fails("IF EXISTS")),
            ("DROP INDEX b", Repeat::Fails("IF EXISTS")),
            ("CREATE TYPE t AS ENUM ('a')", Repeat::AlwaysFails),
            ("ALTER TABLE a RENAME TO b", Repeat::AlwaysFails),
            ("INSERT INTO a VALUES (1)", Repeat::Doubles),
            ("INSERT INTO a DEFAULT VALUES", Repeat::Doubles),
            ("DROP TABLE IF EXISTS a", Repeat::Drops),
            ("DROP TABLE a", Repeat::Fails("IF EXISTS")),
            ("TRUNCATE a", Repeat::Loses),
        ] {
            assert_eq!(repeat(sql), expected, "{sql}");
        }
    }
}
