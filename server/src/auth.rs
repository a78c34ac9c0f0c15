//! Who calls, and what roles allow.

pub mod keys;
pub mod passwords;
pub mod scopes;
pub mod signed_in;
pub mod tokens;

pub use scopes::Scopes;
use serde::{Deserialize, Serialize};

use crate::{Error, Kind, Result};

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The key that was used; `anonymous` where none is asked for.
    pub actor: String,
    /// Whose data it sees.
    pub organisation: String,
    /// What it may do.
    pub role: Role,
    /// What of that its key is for.
    pub scopes: Scopes,
}

impl Caller {
    /// What somebody without a key is called.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// Whether it may call what needs this.
    ///
    /// # Errors
    /// [`Kind::Forbidden`].
    pub fn check(&self, needs: Needs) -> Result<()> {
        if !self.role.may(needs) {
            let message = format!("a key of the role {} may not do this", self.role.name());
            return Err(Error::new(Kind::Forbidden, message));
        }
        if !self.scopes.allow(needs) {
            let names = self.scopes.names().collect::<Vec<_>>().join(", ");
            return Err(Error::new(Kind::Forbidden, format!("the key is for {names} only")));
        }
        Ok(())
    }

    /// Whether it is somebody without a key.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.actor == Self::ANONYMOUS
    }
}

/// What somebody may do in an organisation; each role may all that those after it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, also keys of owners.
    Owner,
    /// Keys and settings.
    Admin,
    /// Cutting out, and everything about jobs.
    Editor,
    /// Looking.
    Viewer,
}

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing: everybody may call it.
    Nothing,
    /// To see what is there.
    Read,
    /// To cut out pictures, which an operator may open to everybody.
    Cut,
    /// To add and change jobs and what belongs to them.
    Write,
    /// To manage keys and read the audit log.
    Manage,
}

impl Role {
    /// All roles, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer];

    /// The name as stored and written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may what a route asks for: the one table of permissions.
    #[must_use]
    pub const fn may(self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing | Needs::Read => true,
            Needs::Cut | Needs::Write => matches!(self, Self::Owner | Self::Admin | Self::Editor),
            Needs::Manage => matches!(self, Self::Owner | Self::Admin),
        }
    }

    /// Whether this role may all that another may.
    #[must_use]
    pub fn is_at_least(self, other: Self) -> bool {
        let rank = |role| Self::ALL.iter().position(|known| *known == role);
        rank(self) <= rank(other)
    }

    /// Whether this role may give another: nobody makes somebody mightier than themselves.
    #[must_use]
    pub fn may_give(self, other: Self) -> bool {
        self.may(Needs::Manage) && self.is_at_least(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_may_what_the_table_says() {
        let allowed = |role: Role| [Needs::Read, Needs::Cut, Needs::Write, Needs::Manage].map(|needs| role.may(needs));
        assert_eq!(allowed(Role::Owner), [true; 4]);
        assert_eq!(allowed(Role::Admin), [true; 4]);
        assert_eq!(allowed(Role::Editor), [true, true, true, false]);
        assert_eq!(allowed(Role::Viewer), [true, false, false, false]);
    }

    #[test]
    fn nobody_makes_somebody_mightier() {
        assert!(Role::Owner.may_give(Role::Owner) && Role::Admin.may_give(Role::Editor));
        assert!(!Role::Admin.may_give(Role::Owner) && !Role::Editor.may_give(Role::Viewer));
    }
}
