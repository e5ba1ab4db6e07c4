//! Why a statement is refused: what, where in its text, and what to do instead.

use std::fmt;

/// A place in a statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    line: u32,
    column: u32,
    character: u32,
}

impl Spot {
    /// The place of a byte offset, as the tree's nodes carry it. None where a node has none.
    pub(super) fn at(sql: &str, offset: i32) -> Option<Self> {
        let mut spot = Self::unsettled(offset)?;
        Self::settle(sql, [&mut spot]);
        Some(spot)
    }

    /// A place of which only the byte offset is known, until [`Self::settle`].
    pub(super) fn unsettled(offset: i32) -> Option<Self> {
        Some(Self {
            line: 0,
            column: 0,
            character: u32::try_from(offset).ok()?,
        })
    }

    /// Works out many places in one pass over the text, which may be long.
    pub(super) fn settle<'a>(sql: &str, spots: impl IntoIterator<Item = &'a mut Self>) {
        let mut spots: Vec<&mut Self> = spots.into_iter().collect();
        spots.sort_by_key(|spot| spot.character);
        let mut characters = sql.char_indices().peekable();
        let (mut line, mut column, mut character) = (1, 1, 1);
        for spot in spots {
            let reached = |(offset, _): &(usize, char)| *offset < spot.character as usize;
            while let Some((_, passed)) = characters.next_if(reached) {
                character += 1;
                column += 1;
                if passed == '\n' {
                    line += 1;
                    column = 1;
                }
            }
            *spot = Self {
                line,
                column,
                character,
            };
        }
    }

    /// The place counted in characters from 1, as PostgreSQL's errors count it.
    pub(crate) fn character(self) -> u32 {
        self.character
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// The kind of a refusal, each the error that PostgreSQL would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// PostgreSQL could not read the text either.
    Syntax,
    /// A construct that apps do not have.
    NotAvailable,
    /// A relation that is neither the app's own nor granted to it.
    UndefinedTable,
    /// A function that is not on the list of those that apps may call.
    UndefinedFunction,
    /// A type or a collation that apps do not have.
    UndefinedObject,
    /// A table that the app may read is written, or one that it may write is changed.
    NotPermitted,
    /// A name that would be made exists already and belongs to somebody else.
    NameTaken,
    /// The text is longer than the limit.
    TooLong,
    /// The text is nested too deeply.
    TooDeep,
}

impl Code {
    /// The SQLSTATE.
    pub(crate) fn sqlstate(self) -> &'static str {
        match self {
            Self::Syntax => "42601",
            Self::NotAvailable => "0A000",
            Self::UndefinedTable => "42P01",
            Self::UndefinedFunction => "42883",
            Self::UndefinedObject => "42704",
            Self::NotPermitted => "42501",
            Self::NameTaken => "42P07",
            Self::TooLong => "54000",
            Self::TooDeep => "54001",
        }
    }
}

/// A statement that is not sent to the server.
///
/// Its text names the construct, the place and the fix; it is for the app's author, and
/// holds nothing of the host or of other apps beyond the names in the statement itself
/// and, where a name is taken, whose it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}: {fix}", Parenthesis(.spot))]
pub(crate) struct Refusal {
    code: Code,
    what: String,
    fix: String,
    spot: Option<Spot>,
}

impl Refusal {
    pub(super) fn new(
        code: Code,
        spot: Option<Spot>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            what: what.into(),
            fix: fix.into(),
            spot,
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// Where in the text; none where the whole statement is meant.
    pub(crate) fn spot(&self) -> Option<Spot> {
        self.spot
    }
}

/// The place of a refusal, written behind what is refused.
struct Parenthesis<'a>(&'a Option<Spot>);

impl fmt::Display for Parenthesis<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(spot) => write!(formatter, " ({spot})"),
            None => Ok(()),
        }
    }
}
