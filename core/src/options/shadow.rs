//! The shadow behind a subject.

use serde::{Deserialize, Serialize};

use super::Length;

/// A shadow behind the subject, made of its matte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shadow {
    /// What it falls on.
    pub kind: ShadowKind,
    /// 0 to 1.
    pub opacity: f32,
    /// Standard deviation of the blur; percent are of the output's diagonal.
    pub blur: Length,
    /// To the right and down; percent are of the output's diagonal.
    pub offset: [Length; 2],
    /// Any CSS colour.
    pub color: String,
}

/// What a shadow falls on. Written `drop`, `cast`, `contact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShadowKind {
    /// A wall close behind: the matte itself, moved.
    #[default]
    Drop,
    /// The ground, from a lamp in front and to the left: the matte laid down behind the subject, softer farther off.
    Cast,
    /// The ground, from light all around: a pool under what stands on it.
    Contact,
}

impl ShadowKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Drop, Self::Cast, Self::Contact];

    /// The name as written in options.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Cast => "cast",
            Self::Contact => "contact",
        }
    }
}

impl Shadow {
    /// The usual shadow of a kind.
    #[must_use]
    pub fn of(kind: ShadowKind) -> Self {
        let (opacity, blur, offset) = match kind {
            ShadowKind::Drop => (0.5, 0.8, [0.6, 0.9]),
            ShadowKind::Cast => (0.5, 0.6, [0.0, 0.0]),
            ShadowKind::Contact => (0.9, 0.8, [0.0, 0.0]),
        };
        let offset = offset.map(Length::Percent);
        Self { kind, opacity, blur: Length::Percent(blur), offset, color: "black".to_owned() }
    }
}

impl Default for Shadow {
    fn default() -> Self {
        Self::of(ShadowKind::default())
    }
}
