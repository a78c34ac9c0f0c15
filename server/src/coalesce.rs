//! Identical pictures asked for at the same time: the first is made, the others wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use sha2::{Digest, Sha256};

use crate::{
    Error, Result,
    picture::{Made, Order},
};

/// What all who wait for one picture get.
pub type Outcome = Result<Arc<Made>, Arc<Error>>;

type Pending = Shared<BoxFuture<'static, Outcome>>;

/// The pictures that are being made now. Nothing is kept of those that are done.
#[derive(Default)]
pub struct Coalescer {
    pending: Mutex<HashMap<[u8; 32], WeakShared<BoxFuture<'static, Outcome>>>>,
}

impl Coalescer {
    /// Waits for the same picture if it is being made; else makes it by what `begin` gives.
    ///
    /// # Errors
    /// What making it reports, to all who wait for it; what `begin` reports, to its caller only.
    pub async fn make(&self, order: &Order, begin: impl FnOnce() -> Result<BoxFuture<'static, Outcome>>) -> Outcome {
        let digest = digest(order);
        let pending = {
            let mut table = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            match table.get(&digest).and_then(WeakShared::upgrade) {
                Some(pending) => {
                    metrics::counter!("backgroundfx_coalesced_total").increment(1);
                    pending
                }
                None => {
                    let pending: Pending = begin().map_err(Arc::new)?.shared();
                    table.retain(|_, pending| pending.upgrade().is_some());
                    table.extend(pending.downgrade().map(|weak| (digest, weak)));
                    pending
                }
            }
        };
        pending.await
    }
}

fn digest(order: &Order) -> [u8; 32] {
    let mut hash = Sha256::new();
    let options = serde_json::to_vec(&order.options).unwrap_or_default();
    let [background, mask] = [&order.background, &order.mask].map(|file| file.as_deref().unwrap_or_default());
    let what = format!("{:?} {:?} {:?} {:?}", order.output, order.limits, order.region, order.classifier);
    for part in [&order.picture[..], background, mask, &options, what.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
