//! WITH queries: where their names can be seen, and where a table is meant after all.

use std::collections::BTreeSet;

use pg_query::NodeEnum;
use pg_query::protobuf::{CommonTableExpr, CteCycleClause, CteSearchClause, WithClause};

use super::{Walk, Walker};

impl Walker<'_> {
    /// Reads a statement in which the names of its WITH queries can be seen.
    pub(super) fn within(
        &mut self,
        with: Option<&WithClause>,
        body: impl FnOnce(&mut Self) -> Walk,
    ) -> Walk {
        let Some(with) = with else {
            return body(self);
        };
        let depth = self.ctes.len();
        self.ctes.push(BTreeSet::new());
        let outcome = self.with_clause(with).and_then(|()| body(self));
        self.ctes.truncate(depth);
        outcome
    }

    /// Reads WITH queries. Recursive ones see all of their list; others see only those
    /// before them, so that in itself its own name is that of a table.
    fn with_clause(&mut self, with: &WithClause) -> Walk {
        let WithClause {
            ctes,
            recursive,
            location: _,
        } = with;
        if *recursive {
            for name in self.cte_names(with)? {
                self.show(name);
            }
        }
        for cte in ctes {
            let NodeEnum::CommonTableExpr(cte) = self.kind(cte)? else {
                return self.unknown();
            };
            self.cte(cte)?;
            self.show(cte.ctename.clone());
        }
        Ok(())
    }

    fn show(&mut self, name: String) {
        if let Some(names) = self.ctes.last_mut() {
            names.insert(name);
        }
    }

    pub(super) fn cte_names(&self, with: &WithClause) -> Walk<Vec<String>> {
        with.ctes
            .iter()
            .map(|cte| {
                let NodeEnum::CommonTableExpr(cte) = self.kind(cte)? else {
                    return self.unknown();
                };
                Ok(cte.ctename.clone())
            })
            .collect()
    }

    fn cte(&mut self, cte: &CommonTableExpr) -> Walk {
        let CommonTableExpr {
            ctename: _,
            aliascolnames,
            ctematerialized: _,
            ctequery,
            search_clause,
            cycle_clause,
            location: _,
            cterecursive: _,
            cterefcount: _,
            ctecolnames,
            ctecoltypes,
            ctecoltypmods,
            ctecolcollations,
        } = cte;
        for list in [ctecolnames, ctecoltypes, ctecoltypmods, ctecolcollations] {
            self.empty(list)?;
        }
        self.labels(aliascolnames)?;
        self.required(ctequery.as_deref())?;
        if let Some(search) = search_clause {
            let CteSearchClause {
                search_col_list,
                search_breadth_first: _,
                search_seq_column: _,
                location: _,
            } = search;
            self.texts(search_col_list)?;
        }
        match cycle_clause {
            Some(cycle) => self.cycle(cycle),
            None => Ok(()),
        }
    }

    fn cycle(&mut self, cycle: &CteCycleClause) -> Walk {
        let CteCycleClause {
            cycle_col_list,
            cycle_mark_column: _,
            cycle_mark_value,
            cycle_mark_default,
            cycle_path_column: _,
            location: _,
            cycle_mark_type: _,
            cycle_mark_typmod: _,
            cycle_mark_collation: _,
            cycle_mark_neop: _,
        } = cycle;
        self.texts(cycle_col_list)?;
        self.optional(cycle_mark_value.as_deref())?;
        self.optional(cycle_mark_default.as_deref())
    }
}
