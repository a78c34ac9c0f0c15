//! remove.bg's lengths: `12px`, `30%`, and a bare `0`.

use backgroundfx_core::options::Length;

use crate::picture::Corners;

/// A length; a number without a unit is taken for pixels.
pub fn length(text: &str) -> Option<Length> {
    text.parse().ok().filter(|length| match length {
        Length::Pixels(number) | Length::Percent(number) => *number >= 0.0,
    })
}

/// `x1 y1 x2 y2`, each in pixels or percent of the picture's side, in either order.
pub fn corners(text: &str) -> Option<Corners> {
    let lengths: Vec<Length> = text.split_whitespace().map(length).collect::<Option<_>>()?;
    let [left, top, right, bottom] = lengths.try_into().ok()?;
    let within = |length| !matches!(length, Length::Percent(percent) if percent > 100.0);
    [left, top, right, bottom].into_iter().all(within).then_some(Corners { from: [left, top], to: [right, bottom] })
}

/// One, two or four margins, as the library writes margins: one becomes two, since its percent are of each side.
pub fn margins(text: &str) -> Option<String> {
    let lengths: Vec<Length> = text.split_whitespace().map(length).collect::<Option<_>>()?;
    let allowed = |length: &Length| match length {
        Length::Pixels(pixels) => *pixels <= 500.0,
        Length::Percent(percent) => *percent <= 50.0,
    };
    let known = matches!(lengths.len(), 1 | 2 | 4) && lengths.iter().all(allowed);
    let all = if lengths.len() == 1 { [lengths[0]; 2].to_vec() } else { lengths };
    known.then(|| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
}

/// `x%` or `x% y%` as shares of 1.
pub fn position(text: &str) -> Option<[f32; 2]> {
    let share = |text: &str| match length(text)? {
        Length::Percent(percent) if percent <= 100.0 => Some(percent / 100.0),
        Length::Pixels(0.0) => Some(0.0),
        _ => None,
    };
    let shares: Vec<f32> = text.split_whitespace().map(share).collect::<Option<_>>()?;
    match shares[..] {
        [both] => Some([both; 2]),
        [x, y] => Some([x, y]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_take_pixels_percent_and_a_bare_zero() {
        assert!(corners("0 0 100% 100%").is_some());
        assert!(corners("10px 20% 300px 90%").is_some());
        for wrong in ["", "0 0 1", "a b c d", "0 0 120% 100%", "-3px 0 1px 1px"] {
            assert!(corners(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn margins_have_a_most() {
        assert_eq!(margins("10%").as_deref(), Some("10% 10%"));
        assert_eq!(margins("1px 2% 3px 4%").as_deref(), Some("1px 2% 3px 4%"));
        for wrong in ["600px", "51%", "1px 2px 3px", "many", ""] {
            assert!(margins(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn positions_are_shares() {
        assert_eq!(position("0% 100%"), Some([0.0, 1.0]));
        assert_eq!(position("50%"), Some([0.5, 0.5]));
        for wrong in ["", "101%", "10px", "1% 2% 3%"] {
            assert!(position(wrong).is_none(), "{wrong}");
        }
    }
}
