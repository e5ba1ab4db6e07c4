//! FOR UPDATE and FOR SHARE: the tables whose rows they lock need what writing needs.

use pg_query::NodeEnum;
use pg_query::protobuf::{Alias, LockingClause, Node, SelectStmt};

use super::{Walk, Walker};

impl Walker<'_> {
    pub(super) fn locking(&mut self, clause: &Node, from: &[Node]) -> Walk {
        let NodeEnum::LockingClause(LockingClause {
            locked_rels,
            strength: _,
            wait_policy: _,
        }) = self.kind(clause)?
        else {
            return self.unknown();
        };
        let mut names = Vec::new();
        for relation in locked_rels {
            let NodeEnum::RangeVar(relation) = self.kind(relation)? else {
                return self.unknown();
            };
            if !relation.schemaname.is_empty() || !relation.catalogname.is_empty() {
                return self.unavailable(
                    relation.location,
                    "a schema in FOR UPDATE OF",
                    "name the table as FROM names it",
                );
            }
            names.push(relation.relname.as_str());
        }
        self.lock(from, &names)
    }

    /// Marks the tables of FROM that are locked: those named, or all where none is.
    fn lock(&mut self, from: &[Node], names: &[&str]) -> Walk {
        from.iter().try_for_each(|item| self.lock_item(item, names))
    }

    fn lock_item(&mut self, item: &Node, names: &[&str]) -> Walk {
        let named = |name: &str| names.is_empty() || names.contains(&name);
        let alias = |alias: &Option<Alias>| alias.as_ref().map(|alias| alias.aliasname.clone());

        let item = self.kind(item)?;
        if let NodeEnum::RangeVar(relation) = item {
            let table = self.table(relation)?;
            let name = alias(&relation.alias).unwrap_or_else(|| table.name.clone());
            if named(&name) && !self.is_cte(&table) {
                self.write(Some(relation))?;
            }
        } else if let NodeEnum::JoinExpr(join) = item {
            let whole = alias(&join.alias).is_some_and(|name| named(&name));
            let names = if whole { &[] } else { names };
            for side in [&join.larg, &join.rarg].into_iter().flatten() {
                self.lock_item(side, names)?;
            }
        } else if let NodeEnum::RangeTableSample(sample) = item {
            self.lock_item(self.present(sample.relation.as_deref())?, names)?;
        } else if let NodeEnum::RangeSubselect(subselect) = item
            && named(&alias(&subselect.alias).unwrap_or_default())
        {
            let query = self.present(subselect.subquery.as_deref())?;
            let NodeEnum::SelectStmt(select) = self.kind(query)? else {
                return self.unknown();
            };
            self.lock_select(select)?;
        }
        // Functions and the like have no rows to lock.
        Ok(())
    }

    /// All tables of a subquery, which a locking clause outside of it reaches too.
    fn lock_select(&mut self, select: &SelectStmt) -> Walk {
        let names = match &select.with_clause {
            Some(with) => self.cte_names(with)?,
            None => Vec::new(),
        };
        self.ctes.push(names.into_iter().collect());
        let outcome = self.lock(&select.from_clause, &[]).and_then(|()| {
            [&select.larg, &select.rarg]
                .into_iter()
                .flatten()
                .try_for_each(|side| self.lock_select(side))
        });
        self.ctes.pop();
        outcome
    }
}
