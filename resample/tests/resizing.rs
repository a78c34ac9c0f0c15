//! What resizing keeps, and what it refuses. Beside the library, which takes minutes to compile a second time.

use backgroundfx_resample::{Filter, gray_f32, rgb_u8, rgb_u16, rgba_u16};

#[test]
fn one_colour_stays_that_colour() {
    for filter in [Filter::CatmullRom, Filter::Lanczos3] {
        let out = rgb_u8(&[10, 20, 30].repeat(12), (4, 3), (9, 2), filter).unwrap();
        assert_eq!(out, [10, 20, 30].repeat(18));
        assert_eq!(gray_f32(&[0.25; 12], (3, 4), (5, 5), filter).unwrap(), [0.25; 25]);
    }
}

#[test]
fn hidden_colours_stay_hidden() {
    let (red, hidden_green) = ([65535, 0, 0, 65535], [0, 65535, 0, 0]);
    let row: Vec<u16> = [red, red, hidden_green, hidden_green].concat();
    let out = rgba_u16(&row.repeat(4), (4, 4), (2, 2), Filter::Lanczos3).unwrap();
    assert!(out.chunks(4).all(|pixel| pixel[1] == 0), "{out:?}");
}

#[test]
fn a_buffer_that_does_not_fit_its_size_is_refused() {
    assert!(rgb_u16(&[0; 11], (2, 2), (4, 4), Filter::Lanczos3).is_err());
}
