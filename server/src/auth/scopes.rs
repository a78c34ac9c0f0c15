//! What a key is for: of all that its role may, only this.

use serde::{Deserialize, Serialize};

use super::Needs;
use crate::{Error, Kind, Result};

/// A set of scopes; all of them unless a key was made for less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes(u8);

/// What may be named, and what of a route it allows.
const NAMES: [(&str, Needs); 4] =
    [("read", Needs::Read), ("cut", Needs::Cut), ("write", Needs::Write), ("manage", Needs::Manage)];

impl Default for Scopes {
    fn default() -> Self {
        Self::ALL
    }
}

impl Scopes {
    /// No limit but the role's.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);

    /// The scopes of these names.
    ///
    /// # Errors
    /// [`Kind::RequestInvalid`] naming what is none; also when there is none at all.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut set = 0;
        for name in names {
            let at = NAMES.iter().position(|(known, _)| *known == name).ok_or_else(|| {
                let known = NAMES.map(|(known, _)| known).join(", ");
                Error::new(Kind::RequestInvalid, format!("there is no scope {name:?}, allowed is {known}"))
            })?;
            set |= 1 << at;
        }
        if set == 0 {
            return Err(Error::new(Kind::RequestInvalid, "scopes are empty: a key for nothing is of no use"));
        }
        Ok(Self(set))
    }

    /// The names in it.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().enumerate().filter(move |(at, _)| self.0 & (1 << at) != 0).map(|(_, (name, _))| *name)
    }

    /// As the database keeps it; nothing for no limit.
    #[must_use]
    pub fn stored(self) -> Option<String> {
        (self != Self::ALL).then(|| self.names().collect::<Vec<_>>().join(" "))
    }

    /// From what the database keeps.
    ///
    /// # Errors
    /// [`Kind::Internal`].
    pub fn of_stored(text: Option<&str>) -> Result<Self> {
        let unknown = |error| Error::new(Kind::Internal, "the database holds an unknown scope").because(error);
        text.map_or(Ok(Self::ALL), |text| Self::named(text.split(' ')).map_err(unknown))
    }

    /// Whether a route that needs this may be called.
    #[must_use]
    pub fn allow(self, needs: Needs) -> bool {
        NAMES.iter().enumerate().all(|(at, (_, allowed))| *allowed != needs || self.0 & (1 << at) != 0)
    }

    /// Whether all of `other` is in this.
    #[must_use]
    pub const fn contain(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_allow_what_they_name_and_survive_being_stored() {
        let cutting = Scopes::named(["cut"]).unwrap();
        assert_eq!(
            [Needs::Nothing, Needs::Read, Needs::Cut, Needs::Write, Needs::Manage].map(|needs| cutting.allow(needs)),
            [true, false, true, false, false]
        );
        let both = Scopes::named(["write", "read"]).unwrap();
        assert_eq!(both.stored().as_deref(), Some("read write"));
        for scopes in [cutting, both, Scopes::ALL] {
            assert_eq!(Scopes::of_stored(scopes.stored().as_deref()).unwrap(), scopes);
            assert!(Scopes::ALL.contain(scopes) && scopes.contain(scopes));
        }
        assert!(!both.contain(cutting) && !both.contain(Scopes::ALL));
        assert!(Scopes::named(["all"]).is_err() && Scopes::named([]).is_err() && Scopes::of_stored(Some("x")).is_err());
    }
}
