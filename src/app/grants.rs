//! What an app may do beyond what every app may: what it asks for, and what an operator gave.
//!
//! Every app has its own tables, log, settings, jobs, notifications and the default budget
//! without asking. The rest is a [`Grant`], fixed when a release goes live.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::manifest::{Access, Egress, Manifest, Wishes};
use super::{Origin, plain};
use crate::ids::AppName;
use crate::sql::Table;

/// One thing that an app may do beyond what every app may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Grant {
    /// A table of another app, for as long as it is that app's.
    Table {
        schema: String,
        table: String,
        #[schema(value_type = String)]
        access: Access,
        #[schema(value_type = String)]
        owner: AppName,
    },
    /// HTTP requests to one place.
    Egress {
        #[schema(value_type = String)]
        origin: Origin,
        /// Whether its name may stand for an address of a private network.
        private: bool,
    },
    /// A secret, by its name.
    Credential { name: String },
    /// A longer time for each call, in milliseconds.
    Wall { ms: u32 },
    /// More memory for each call, in MiB.
    Memory { mb: u32 },
    /// More calls at the same time.
    Concurrency { calls: u32 },
    /// More SQL statements in each call.
    Statements { count: u32 },
    /// More rows of each result.
    Rows { count: u32 },
    /// Larger results, in MiB.
    Result { mb: u32 },
    /// More instructions for each call, in millions.
    Fuel { millions: u32 },
}

/// Grants of one app, at most one for each [`Grant::key`], in the order of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Grant>", into = "Vec<Grant>")]
pub(crate) struct Grants(BTreeMap<String, Grant>);

/// A table of another app, as the catalog shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ForeignTable {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) access: Access,
    pub(crate) owner: AppName,
}

/// How much an app's calls may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Amounts {
    pub(crate) wall_ms: u32,
    pub(crate) memory_mb: u32,
    pub(crate) concurrency: u32,
    pub(crate) statements: u32,
    pub(crate) rows: u32,
    pub(crate) result_mb: u32,
    /// In millions of instructions, where they are counted.
    pub(crate) fuel: u32,
}

/// What every app has, and what none can be given more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) default: Amounts,
    pub(crate) ceiling: Amounts,
}

/// How the grants of one release differ from those of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Difference {
    /// Not in the one before, or wider now. They need consent.
    pub(crate) added: Vec<Grant>,
    pub(crate) kept: Vec<Grant>,
    /// In the one before only.
    pub(crate) dropped: Vec<Grant>,
}

impl Grant {
    /// What is granted, whatever the extent: `table:public.items`, `egress:https://a.example`.
    /// An operator withdraws it by this name.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Table { schema, table, .. } => format!("table:{schema}.{table}"),
            Self::Egress { origin, .. } => format!("egress:{origin}"),
            Self::Credential { name } => format!("credential:{name}"),
            Self::Wall { .. } => "wall".to_owned(),
            Self::Memory { .. } => "memory".to_owned(),
            Self::Concurrency { .. } => "concurrency".to_owned(),
            Self::Statements { .. } => "statements".to_owned(),
            Self::Rows { .. } => "rows".to_owned(),
            Self::Result { .. } => "result".to_owned(),
            Self::Fuel { .. } => "fuel".to_owned(),
        }
    }

    /// Whether who has this has the other too.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Table {
                    schema,
                    table,
                    access,
                    owner,
                },
                Self::Table {
                    schema: s,
                    table: t,
                    access: asked,
                    owner: o,
                },
            ) => schema == s && table == t && owner == o && access >= asked,
            (
                Self::Egress { origin, private },
                Self::Egress {
                    origin: o,
                    private: asked,
                },
            ) => origin == o && private >= asked,
            (Self::Credential { name }, Self::Credential { name: asked }) => name == asked,
            (Self::Wall { ms }, Self::Wall { ms: asked }) => ms >= asked,
            (Self::Memory { mb }, Self::Memory { mb: asked }) => mb >= asked,
            (Self::Concurrency { calls }, Self::Concurrency { calls: asked }) => calls >= asked,
            (Self::Statements { count }, Self::Statements { count: asked })
            | (Self::Rows { count }, Self::Rows { count: asked }) => count >= asked,
            (Self::Result { mb }, Self::Result { mb: asked }) => mb >= asked,
            (Self::Fuel { millions }, Self::Fuel { millions: asked }) => millions >= asked,
            (
                Self::Table { .. }
                | Self::Egress { .. }
                | Self::Credential { .. }
                | Self::Wall { .. }
                | Self::Memory { .. }
                | Self::Concurrency { .. }
                | Self::Statements { .. }
                | Self::Rows { .. }
                | Self::Result { .. }
                | Self::Fuel { .. },
                _,
            ) => false,
        }
    }
}

/// One line for people, without anything that a terminal would take for more than text.
impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table {
                schema,
                table,
                access,
                owner,
            } => {
                let verb = match access {
                    Access::Read => "read",
                    Access::Write => "read and write",
                };
                let (schema, table) = (plain(schema), plain(table));
                write!(formatter, "{verb} table {schema}.{table} of {owner}")
            }
            Self::Egress { origin, private } => {
                write!(formatter, "send requests to {origin}")?;
                if *private {
                    formatter.write_str(", also in a private network")?;
                }
                Ok(())
            }
            Self::Credential { name } => write!(formatter, "use credential {}", plain(name)),
            Self::Wall { ms } => write!(formatter, "{ms} ms for each call"),
            Self::Memory { mb } => write!(formatter, "{mb} MiB of memory for each call"),
            Self::Concurrency { calls } => write!(formatter, "{calls} calls at the same time"),
            Self::Statements { count } => write!(formatter, "{count} statements in each call"),
            Self::Rows { count } => write!(formatter, "{count} rows of each result"),
            Self::Result { mb } => write!(formatter, "{mb} MiB of each result"),
            Self::Fuel { millions } => {
                write!(formatter, "{millions} million instructions for each call")
            }
        }
    }
}

impl Grants {
    /// What an app asks for; `foreign` are the tables of its footprint that are other apps'.
    pub(crate) fn asked(manifest: &Manifest, foreign: &[ForeignTable], bounds: Bounds) -> Self {
        let tables = foreign.iter().cloned().map(|table| Grant::Table {
            schema: table.schema,
            table: table.table,
            access: table.access,
            owner: table.owner,
        });
        let egress = manifest.needs.egress.iter().cloned();
        let egress = egress.map(|Egress { origin, private }| Grant::Egress { origin, private });
        let credentials = manifest.needs.credentials.iter();
        let credentials = credentials.map(|credential| Grant::Credential {
            name: credential.name.clone(),
        });
        let wished = bounds.wished(&manifest.limits);
        let default = bounds.default;
        let more = [
            (wished.wall_ms > default.wall_ms).then_some(Grant::Wall { ms: wished.wall_ms }),
            (wished.memory_mb > default.memory_mb).then_some(Grant::Memory {
                mb: wished.memory_mb,
            }),
            (wished.concurrency > default.concurrency).then_some(Grant::Concurrency {
                calls: wished.concurrency,
            }),
            (wished.statements > default.statements).then_some(Grant::Statements {
                count: wished.statements,
            }),
            (wished.rows > default.rows).then_some(Grant::Rows { count: wished.rows }),
            (wished.result_mb > default.result_mb).then_some(Grant::Result {
                mb: wished.result_mb,
            }),
            (wished.fuel > default.fuel).then_some(Grant::Fuel {
                millions: wished.fuel,
            }),
        ];
        tables
            .chain(egress)
            .chain(credentials)
            .chain(more.into_iter().flatten())
            .collect()
    }

    /// In the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Grant> {
        self.0.values()
    }

    /// The tables of other apps, and how far each may be used.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Table, Access)> {
        self.iter().filter_map(|grant| {
            if let Grant::Table {
                schema,
                table,
                access,
                ..
            } = grant
            {
                Some((Table::new(Some(schema), table), *access))
            } else {
                None
            }
        })
    }

    /// Where HTTP requests may go.
    pub(crate) fn egress(&self) -> impl Iterator<Item = Egress> {
        self.iter().filter_map(|grant| {
            if let Grant::Egress { origin, private } = grant {
                let (origin, private) = (origin.clone(), *private);
                Some(Egress { origin, private })
            } else {
                None
            }
        })
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Grant> {
        self.0.get(key)
    }

    /// Whether a secret of this name is among them.
    pub(crate) fn has_credential(&self, name: &str) -> bool {
        let name = name.to_owned();
        self.get(&Grant::Credential { name }.key()).is_some()
    }

    /// Takes a grant away by its key.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Grant> {
        self.0.remove(key)
    }

    /// Whether one of these includes the other grant.
    pub(crate) fn covers(&self, grant: &Grant) -> bool {
        self.get(&grant.key()).is_some_and(|own| own.covers(grant))
    }

    /// How `asked` differs from these.
    pub(crate) fn compare(&self, asked: &Self) -> Difference {
        let (kept, added) = asked.iter().cloned().partition(|grant| self.covers(grant));
        let gone = |own: &&Grant| asked.get(&own.key()).is_none();
        Difference {
            added,
            kept,
            dropped: self.iter().filter(gone).cloned().collect(),
        }
    }
}

impl FromIterator<Grant> for Grants {
    /// Of two that are of one key, the wider one stays.
    fn from_iter<I: IntoIterator<Item = Grant>>(grants: I) -> Self {
        let mut all: BTreeMap<String, Grant> = BTreeMap::new();
        for grant in grants {
            let key = grant.key();
            if all.get(&key).is_none_or(|own| grant.covers(own)) {
                all.insert(key, grant);
            }
        }
        Self(all)
    }
}

impl From<Vec<Grant>> for Grants {
    fn from(grants: Vec<Grant>) -> Self {
        grants.into_iter().collect()
    }
}

impl From<Grants> for Vec<Grant> {
    fn from(grants: Grants) -> Self {
        grants.0.into_values().collect()
    }
}

impl Bounds {
    /// What a manifest wishes for, as far as any app can have it.
    fn wished(&self, wishes: &Wishes) -> Amounts {
        let Self { default, ceiling } = self;
        let of = |wish: Option<std::num::NonZeroU32>, default: u32, ceiling: u32| {
            wish.map_or(default, std::num::NonZeroU32::get).min(ceiling)
        };
        Amounts {
            wall_ms: of(wishes.wall_ms, default.wall_ms, ceiling.wall_ms),
            memory_mb: of(wishes.memory_mb, default.memory_mb, ceiling.memory_mb),
            concurrency: of(wishes.concurrency, default.concurrency, ceiling.concurrency),
            statements: of(wishes.statements, default.statements, ceiling.statements),
            rows: of(wishes.rows, default.rows, ceiling.rows),
            result_mb: of(wishes.result_mb, default.result_mb, ceiling.result_mb),
            fuel: of(wishes.fuel, default.fuel, ceiling.fuel),
        }
    }

    /// What an app's calls may use: what it wishes for up to the default, and beyond that as
    /// much as it was granted.
    pub(crate) fn amounts(&self, wishes: &Wishes, granted: &Grants) -> Amounts {
        let (mut most, wished) = (self.default, self.wished(wishes));
        for grant in granted.iter() {
            match grant {
                Grant::Wall { ms } => most.wall_ms = most.wall_ms.max(*ms),
                Grant::Memory { mb } => most.memory_mb = most.memory_mb.max(*mb),
                Grant::Concurrency { calls } => most.concurrency = most.concurrency.max(*calls),
                Grant::Statements { count } => most.statements = most.statements.max(*count),
                Grant::Rows { count } => most.rows = most.rows.max(*count),
                Grant::Result { mb } => most.result_mb = most.result_mb.max(*mb),
                Grant::Fuel { millions } => most.fuel = most.fuel.max(*millions),
                Grant::Table { .. } | Grant::Egress { .. } | Grant::Credential { .. } => {}
            }
        }
        Amounts {
            wall_ms: wished.wall_ms.min(most.wall_ms),
            memory_mb: wished.memory_mb.min(most.memory_mb),
            concurrency: wished.concurrency.min(most.concurrency),
            statements: wished.statements.min(most.statements),
            rows: wished.rows.min(most.rows),
            result_mb: wished.result_mb.min(most.result_mb),
            fuel: wished.fuel.min(most.fuel),
        }
    }
}

#[cfg(test)]
mod tests;
