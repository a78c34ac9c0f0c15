//! What reading a picture could not keep or had to guess: said, never hidden.

use std::fmt;

/// Something about a picture its reader should know; the picture is usable all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// The file is an animation of this many frames (0 when unknown); its first was taken.
    FirstFrameOf(u32),
    /// The embedded colour profile cannot be used; the colours were taken for sRGB.
    ProfileUnreadable,
    /// EXIF or XMP was too large or damaged and was left out.
    MetadataDropped,
    /// The file has channels beside its colours that are not alpha; they were left out.
    ChannelsIgnored,
    /// CMYK without a usable profile was converted by the plain formula; colours are approximate.
    ColorsApproximated,
}

impl Warning {
    /// The stable snake-case code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FirstFrameOf(_) => "first_frame_of",
            Self::ProfileUnreadable => "profile_unreadable",
            Self::MetadataDropped => "metadata_dropped",
            Self::ChannelsIgnored => "channels_ignored",
            Self::ColorsApproximated => "colors_approximated",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::FirstFrameOf(0) => "the picture is an animation; only its first frame was used",
            Self::FirstFrameOf(frames) => {
                return write!(formatter, "the picture is an animation of {frames} frames; only the first was used");
            }
            Self::ProfileUnreadable => "the colour profile could not be used; the colours were taken for sRGB",
            Self::MetadataDropped => "metadata was too large or damaged and was left out",
            Self::ChannelsIgnored => "channels beside the colours are not alpha and were left out",
            Self::ColorsApproximated => "CMYK without a usable profile; the colours are approximate",
        })
    }
}
