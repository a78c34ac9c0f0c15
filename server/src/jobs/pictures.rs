//! Cut-outs of pictures.

use std::{collections::BTreeMap, sync::Arc};

use backgroundfx_core::options::{Matting, Options, Subject};
use serde::{Deserialize, Serialize};

use super::{Course, File, Product};
use crate::{
    App, Error, Kind, Result,
    db::claims::Claimed,
    http::describe,
    picture::{self, Order, Wanted},
    sources,
};

/// What is made of every picture of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// How it is cut out.
    pub options: Options,
    /// What is written.
    pub wanted: Wanted,
    /// Where the picture behind the subject is, if there is one.
    pub background: Option<String>,
    /// Where mattes are that stand for what a model would find, by the numbers of their pictures.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub masks: BTreeMap<i64, String>,
}

/// Makes one.
///
/// # Errors
/// What fetching, reading and cutting out report.
pub async fn make(app: &Arc<App>, work: &str, item: &Claimed, course: &Arc<Course>) -> Result<Product> {
    let work: Pictures = serde_json::from_str(work)
        .map_err(|error| Error::new(Kind::Internal, "the job's work cannot be read").because(error))?;
    let background = match &work.background {
        Some(source) => Some(sources::bytes(app, source).await?),
        None => None,
    };
    let (mut options, mask) = (work.options, work.masks.get(&item.number));
    let mask = match mask {
        Some(source) => Some(sources::bytes(app, source).await?),
        None => None,
    };
    if mask.is_some() {
        // The others' options are for what a model finds. A mask is the matte itself.
        options.edges.refine = false;
        options.matting = Matting::None;
        options.matting_model = None;
        options.subject = Subject::default();
    }
    let order = Order {
        picture: sources::bytes(app, &item.source).await?,
        background,
        mask,
        options,
        output: work.wanted.output()?,
        limits: app.limits(),
        region: None,
        classifier: None,
    };
    let (permit, course) = (app.inference.permit().await, course.clone());
    course.tell(0.1, "cutting out");
    let stopped = move || course.is_stopped();
    let made =
        app.inference.run(permit, move |hand, gone| picture::cut_out(&order, hand, &|| stopped() || gone())).await?;
    let details = describe(&made);
    Ok(Product {
        file: File::Bytes(made.bytes),
        media_type: made.media_type.to_owned(),
        extension: made.extension.to_owned(),
        details,
    })
}
