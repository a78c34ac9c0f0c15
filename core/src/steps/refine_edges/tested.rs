//! The filter's models, tested where the network is sure of its matte.

use rayon::prelude::*;

use super::smooth_step;
use crate::steps::{
    guided_filter::Coefficients,
    planes::{Plane, box_mean},
};

/// Alpha, or what it leaves of 1, from which a cell and those beside it are sure.
const SURE: f32 = 0.85;
/// Mean square of the difference where the network is sure from which models are believed less, and not at all.
const WRONG: (f32, f32) = (0.01, 0.06);
/// So many sure cells, as a share of those around, count as much as all that they say.
const FEW: f32 = 0.05;
/// Radii of the filter's windows that are looked at around a cell.
const REACH: usize = 2;

/// Cells from which a model's test depends on the matte.
pub(super) fn reach(radius: usize) -> usize {
    REACH * radius + 1
}

/// Lowers what models explain where they contradict what the network is sure of: an arm before a crowd, which has all of the
/// arm's colours, is not to become part of the crowd because the colours of the whole body tell it well from that.
///
/// `radius` is that of the fine filter's windows, in cells.
pub(super) fn believe_less_where_wrong(fitted: &mut Coefficients, guide: &[[f32; 3]], matte: &Plane, radius: usize) {
    let sure = sure(matte);
    let wrong = fitted.values.par_iter().zip(guide).zip(&matte.values).zip(&sure.values);
    let wrong = wrong.map(|(((model, color), alpha), sure)| {
        let said = model[0] * color[0] + model[1] * color[1] + model[2] * color[2] + model[3];
        sure * (said.clamp(0.0, 1.0) - alpha).powi(2)
    });
    let wrong = Plane { size: matte.size, values: wrong.collect() };
    let (wrong, sure) = rayon::join(|| box_mean(&wrong, REACH * radius), || box_mean(&sure, REACH * radius));
    for (explained, (wrong, sure)) in fitted.explained.iter_mut().zip(wrong.values.iter().zip(&sure.values)) {
        *explained *= 1.0 - smooth_step(wrong / (sure + FEW), WRONG);
    }
}

/// How sure the network is of each cell and all beside it, 0 to 1.
fn sure(matte: &Plane) -> Plane {
    let (width, height) = (matte.size.width as usize, matte.size.height as usize);
    let mut sure = vec![0.0; matte.values.len()];
    sure.par_chunks_mut(width).enumerate().for_each(|(y, sure)| {
        let rows = [y.saturating_sub(1), y, (y + 1).min(height - 1)].map(|y| matte.row(y));
        let (lowest, highest) = (of_square(rows, f32::min), of_square(rows, f32::max));
        for (sure, (least, most)) in sure.iter_mut().zip(lowest.iter().zip(highest)) {
            *sure = ((least.max(1.0 - most) - SURE) / (1.0 - SURE)).clamp(0.0, 1.0);
        }
    });
    Plane { size: matte.size, values: sure }
}

/// The chosen one of every cell of a row and those that touch it, from the rows above, here and below.
fn of_square([above, here, below]: [&[f32]; 3], choose: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let columns = above.iter().zip(here).zip(below);
    let mut down: Vec<f32> = columns.map(|((above, here), below)| choose(choose(*above, *here), *below)).collect();
    // The first and the last have one neighbour only.
    down.insert(0, down[0]);
    down.push(down[down.len() - 1]);
    down.windows(3).map(|three| choose(choose(three[0], three[1]), three[2])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        pixels::{Alpha, Rgb, Samples, Size},
        steps::refine_edges::refine,
    };

    /// A dark body on the left and a bright arm to the right of it, before a crowd a third of which has the arm's colour; the matte
    /// is soft, and nearly sure of both.
    fn arm_before_a_crowd() -> (Rgb, Alpha) {
        let size = Size::new(854, 480);
        let (mut samples, mut values) = (Vec::new(), Vec::new());
        for at in 0..size.area() {
            let (x, y) = (at % 854, at / 854);
            samples.extend(match (x < 400, x < 520 && y.abs_diff(240) < 5) {
                (true, _) => [20, 40, 120],
                (_, true) => [200, 160, 130],
                _ if (x / 8 * 7 + y / 8 * 13).is_multiple_of(3) => [200, 160, 130],
                _ => [90, 110, 60],
            });
            let ramp = |inside: f32| (inside / 8.0 + 0.5).clamp(0.0, 1.0);
            let (x, beside) = (x as f32 + 0.5, y.abs_diff(240) as f32);
            values.push(ramp(400.0 - x).max(0.93 * ramp(520.0 - x).min(ramp(5.0 - beside))));
        }
        (Rgb::new(size, Samples::Eight(samples)), Alpha::new(size, values))
    }

    #[test]
    fn an_arm_before_a_crowd_of_its_colours_stays() {
        let (color, mut matte) = arm_before_a_crowd();
        refine(&color, &mut matte);
        for x in [420, 450, 480, 500] {
            assert!(matte.values()[240 * 854 + x] > 0.9, "{} at {x}", matte.values()[240 * 854 + x]);
            assert!(matte.values()[200 * 854 + x] < 0.1, "{} beside it", matte.values()[200 * 854 + x]);
        }
    }

    #[test]
    fn one_cell_that_is_not_sure_makes_those_around_it_unsure() {
        let size = Size::new(7, 5);
        let mut values = vec![1.0; size.area()];
        values[2 * 7 + 3] = 0.5;
        let sure = sure(&Plane { size, values });
        let expected = |at: usize| if (1..4).contains(&(at / 7)) && (2..5).contains(&(at % 7)) { 0.0 } else { 1.0 };
        assert_eq!(sure.values, (0..size.area()).map(expected).collect::<Vec<_>>());
    }
}
