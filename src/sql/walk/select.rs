//! SELECT, VALUES and TABLE.

use pg_query::protobuf::{Node, SelectStmt, SortBy, WindowDef};

use super::{NOWHERE, Walk, Walker};

impl Walker<'_> {
    pub(super) fn select(&mut self, select: &SelectStmt) -> Walk {
        let SelectStmt {
            distinct_clause,
            into_clause,
            target_list,
            from_clause,
            where_clause,
            group_clause,
            group_distinct: _,
            having_clause,
            window_clause,
            values_lists,
            sort_clause,
            limit_offset,
            limit_count,
            limit_option: _,
            locking_clause,
            with_clause,
            op: _,
            all: _,
            larg,
            rarg,
        } = select;
        if into_clause.is_some() {
            return self.unavailable(
                NOWHERE,
                "SELECT ... INTO",
                "make the table when the app is deployed, and use INSERT ... SELECT",
            );
        }
        self.within(with_clause.as_ref(), |walker| {
            walker.distinct(distinct_clause)?;
            walker.output(target_list)?;
            walker.nodes(from_clause)?;
            walker.optional(where_clause.as_deref())?;
            walker.nodes(group_clause)?;
            walker.optional(having_clause.as_deref())?;
            walker.nodes(window_clause)?;
            walker.nodes(values_lists)?;
            walker.nodes(sort_clause)?;
            walker.optional(limit_offset.as_deref())?;
            walker.optional(limit_count.as_deref())?;
            for clause in locking_clause {
                walker.locking(clause, from_clause)?;
            }
            for side in [larg, rarg].into_iter().flatten() {
                walker.select(side)?;
            }
            Ok(())
        })
    }

    /// DISTINCT alone is a list with nothing in it.
    fn distinct(&mut self, clause: &[Node]) -> Walk {
        match clause {
            [Node { node: None }] => Ok(()),
            [..] => self.nodes(clause),
        }
    }

    pub(super) fn sort(&mut self, sort: &SortBy) -> Walk {
        let SortBy {
            node,
            sortby_dir: _,
            sortby_nulls: _,
            use_op,
            location,
        } = sort;
        if !use_op.is_empty() {
            return self.unavailable(*location, "ORDER BY ... USING", "write ASC or DESC");
        }
        self.required(node.as_deref())
    }

    pub(super) fn window(&mut self, window: &WindowDef) -> Walk {
        let WindowDef {
            name: _,
            refname: _,
            partition_clause,
            order_clause,
            frame_options: _,
            start_offset,
            end_offset,
            location: _,
        } = window;
        self.nodes(partition_clause)?;
        self.nodes(order_clause)?;
        self.optional(start_offset.as_deref())?;
        self.optional(end_offset.as_deref())
    }
}
