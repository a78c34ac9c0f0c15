//! NVIDIA's cards of this machine and how much of their memory is free, as the driver's own program tells.

use std::process::{Command, Stdio};

/// A card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The number that CUDA knows it by in this process.
    pub number: u32,
    /// What it is called.
    pub name: String,
    /// Memory in MB.
    pub memory_mb: u64,
    /// What of it nobody uses.
    pub free_mb: u64,
}

/// The cards that this process may use; none where `nvidia-smi` is not there or tells of none.
#[must_use]
pub fn cards() -> Vec<Card> {
    let asked = ["--query-gpu=index,name,memory.total,memory.free", "--format=csv,noheader,nounits"];
    let told = Command::new("nvidia-smi").args(asked).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let text = told.ok().filter(|told| told.status.success()).map(|told| told.stdout).unwrap_or_default();
    visible(read(&String::from_utf8_lossy(&text)), std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref())
}

/// The number of the card with the most free memory; the first one's where nothing is known of them.
#[must_use]
pub fn roomiest() -> u32 {
    // Of equals the first.
    let all = cards();
    all.iter().rev().max_by_key(|card| card.free_mb).map_or(0, |card| card.number)
}

fn read(text: &str) -> Vec<Card> {
    let card = |line: &str| {
        let mut fields = line.split(',').map(str::trim);
        let (number, name) = (fields.next()?.parse().ok()?, fields.next()?.to_owned());
        Some(Card { number, name, memory_mb: fields.next()?.parse().ok()?, free_mb: fields.next()?.parse().ok()? })
    };
    text.lines().filter_map(card).collect()
}

/// Those that are named, numbered in that order, as CUDA does; none where they are named by something else than numbers.
fn visible(all: Vec<Card>, named: Option<&str>) -> Vec<Card> {
    let Some(named) = named else { return all };
    let numbers = named.split(',').map_while(|number| number.trim().parse::<u32>().ok());
    let found = numbers.map_while(|number| all.iter().find(|card| card.number == number));
    found.zip(0..).map(|(card, number)| Card { number, ..card.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "0, NVIDIA H200, 143771, 1200\n1, NVIDIA H200, 143771, 140000\n2, NVIDIA H200, 143771, 140000\n";

    #[test]
    fn cards_are_read_and_numbered_as_the_process_sees_them() {
        let all = read(TOLD);
        let facts = |cards: &[Card]| cards.iter().map(|card| (card.number, card.free_mb)).collect::<Vec<_>>();
        assert_eq!((all.len(), all[0].name.as_str(), all[0].memory_mb), (3, "NVIDIA H200", 143_771));
        assert_eq!(facts(&visible(all.clone(), None)), [(0, 1200), (1, 140_000), (2, 140_000)]);
        assert_eq!(facts(&visible(all.clone(), Some("2, 0"))), [(0, 140_000), (1, 1200)]);
        for none in ["", "-1", "GPU-8f2a", "7"] {
            assert!(visible(all.clone(), Some(none)).is_empty(), "{none}");
        }
        assert!(read("No devices were found\n").is_empty() && read("0, X, [N/A], [N/A]").is_empty());
    }
}
