//! The connectivity error: how much of each matte hangs together with the main body.

use crate::pixels::Alpha;

const STEPS: usize = 10;
const THETA: f32 = 0.15;

/// Sum of differences of the mattes' degrees of connectedness, in thousands.
pub fn error(matte: &Alpha, truth: &Alpha) -> f64 {
    let (p, g) = (matte.values(), truth.values());
    let width = matte.size().width as usize;
    // The level up to which each pixel belongs to the largest part that both mattes share.
    let mut level = vec![-1.0_f32; p.len()];
    for step in 1..=STEPS {
        let threshold = step as f32 / STEPS as f32;
        let shared: Vec<bool> = p.iter().zip(g).map(|(p, g)| *p >= threshold && *g >= threshold).collect();
        let largest = largest_part(&shared, width);
        for (level, inside) in level.iter_mut().zip(largest) {
            if *level < 0.0 && !inside {
                *level = (step - 1) as f32 / STEPS as f32;
            }
        }
    }
    let degree = |value: f32, level: f32| {
        let beyond = value - if level < 0.0 { 1.0 } else { level };
        if beyond >= THETA { 1.0 - beyond } else { 1.0 }
    };
    let sum: f64 = p
        .iter()
        .zip(g)
        .zip(level)
        .map(|((&p, &g), level)| f64::from((degree(p, level) - degree(g, level)).abs()))
        .sum();
    sum / 1000.0
}

/// Which pixels belong to the largest part connected by sides.
fn largest_part(inside: &[bool], width: usize) -> Vec<bool> {
    let mut label = vec![0_u32; inside.len()];
    let mut sizes = vec![0_usize];
    let mut stack = Vec::new();
    for start in 0..inside.len() {
        if !inside[start] || label[start] != 0 {
            continue;
        }
        let number = sizes.len() as u32;
        sizes.push(0);
        label[start] = number;
        stack.push(start);
        while let Some(i) = stack.pop() {
            sizes[number as usize] += 1;
            let x = i % width;
            let neighbours = [
                (x > 0).then(|| i - 1),
                (x + 1 < width).then_some(i + 1),
                i.checked_sub(width),
                Some(i + width).filter(|&below| below < inside.len()),
            ];
            for next in neighbours.into_iter().flatten() {
                if inside[next] && label[next] == 0 {
                    label[next] = number;
                    stack.push(next);
                }
            }
        }
    }
    let mut largest = 0;
    for number in 1..sizes.len() {
        if largest == 0 || sizes[number] > sizes[largest] {
            largest = number;
        }
    }
    label.into_iter().map(|number| largest != 0 && number == largest as u32).collect()
}
