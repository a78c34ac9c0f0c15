//! The real sources through the real clients; run by hand, because it downloads 140 MB.

use std::{ops::ControlFlow, time::Instant};

use backgroundfx_core::{
    engine::artifacts::{Manifest, Store, StoreOptions},
    progress::{Silent, Step},
};

#[test]
#[ignore = "downloads"]
fn the_runtime_and_a_model_arrive_from_the_first_source_that_can_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(StoreOptions { folder: Some(folder.path().into()), ..Default::default() }).unwrap();
    for provides in ["onnxruntime", "isnet-general-use"] {
        let start = Instant::now();
        let steps = std::sync::atomic::AtomicUsize::new(0);
        let count = |_: Step<'_>| {
            steps.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        let (artifact, path) = store.obtain(Manifest::built_in(), provides, &count).unwrap();
        println!("{} after {:?}, {steps:?} reports: {}", artifact.id, start.elapsed(), path.display());
        assert_eq!(Some(path.metadata().unwrap().len()), artifact.bytes);
        store.verify(&artifact).unwrap();
        let start = Instant::now();
        assert_eq!(store.obtain(Manifest::built_in(), provides, &Silent).unwrap().1, path);
        println!("found again after {:?}", start.elapsed());
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "two files, the list of verified files, the locks: {left:?}");
}
