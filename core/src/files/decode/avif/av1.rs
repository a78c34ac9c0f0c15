//! The AV1 decoder. The only file that talks to `rav1d`, whose interface is dav1d's from C.

use super::{
    codes::ColorCodes,
    frames,
    planes::{Layout, PlaneSamples, Planes, lacking_memory},
};
use crate::{Error, Kind, Result, files::Format, files::decode::corrupt, pixels::Size};
use rav1d::{
    Dav1dResult,
    include::dav1d::{
        data::Dav1dData,
        dav1d::{Dav1dContext, Dav1dLogger, Dav1dSettings},
        headers::{DAV1D_PIXEL_LAYOUT_I400, DAV1D_PIXEL_LAYOUT_I420, DAV1D_PIXEL_LAYOUT_I422, DAV1D_PIXEL_LAYOUT_I444},
        picture::Dav1dPicture,
    },
    src::lib::{
        dav1d_close, dav1d_data_create, dav1d_data_unref, dav1d_default_settings, dav1d_get_picture, dav1d_open,
        dav1d_picture_unref, dav1d_send_data,
    },
};
use std::{mem::MaybeUninit, ptr::NonNull, sync::mpsc, thread, time::Duration};

/// Decodes the one picture of an item, which claims to have a size.
///
/// # Errors
/// `PictureCorrupt` when the data is damaged or of another size, `OutOfMemory`.
pub(super) fn decode(data: &[u8], claimed: Size) -> Result<Planes> {
    frames::check(data)?;
    // More than a hundred times what a picture takes on two cores.
    let patience = Duration::from_secs(30 + claimed.pixels() / 100_000);
    let data = data.to_vec();
    let failed = || corrupt(Format::Avif, "the AV1 decoder failed on it");
    let planes = watched(patience, move || decode_here(&data, claimed)).ok_or_else(failed)??;
    if planes.size != claimed {
        return Err(corrupt(Format::Avif, format!("its AV1 data has {} pixels, not {claimed}", planes.size)));
    }
    Ok(planes)
}

/// What some work gives, unless it panics or takes longer than it may.
///
/// The decoder works on threads of its own. Should one of them panic, the decoder would wait for it
/// for ever; the thread that waits is then left behind. To be removed when `rav1d` reports it.
fn watched<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    // Nobody listens any more when it took too long, and that is right.
    let run = move || drop(sender.send(work()));
    thread::Builder::new().name("av1".into()).spawn(run).ok()?;
    receiver.recv_timeout(patience).ok()
}

fn decode_here(data: &[u8], claimed: Size) -> Result<Planes> {
    let mut decoder = Decoder::open(claimed)?;
    decoder.send(data)?;
    decoder.picture()?.planes()
}

/// A decoder for one picture; closed when dropped.
struct Decoder(Option<Dav1dContext>);

impl Decoder {
    fn open(claimed: Size) -> Result<Self> {
        let mut settings = MaybeUninit::<Dav1dSettings>::uninit();
        // SAFETY: the pointer is to memory of that type, which the call fills without reading it.
        unsafe { dav1d_default_settings(NonNull::from(&mut settings).cast()) };
        // SAFETY: the call above has written all of it.
        let mut settings = unsafe { settings.assume_init() };
        // With one thread it would decode on ours, where a panic of its own ends the program.
        settings.n_threads = thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 16)) as i32;
        // With one frame at a time, `rav1d` 1.1 ends the program on every picture that is damaged: it
        // unwraps a header that it has taken away already. To be 1 when that is mended.
        settings.max_frame_delay = 2;
        settings.all_layers = 0;
        // The file's claim is within our limits, so a frame within it is as well.
        settings.frame_size_limit = u32::try_from(claimed.pixels()).unwrap_or(u32::MAX);
        // Not strict: what breaks only rules about padding and time decodes to the same pixels everywhere.
        settings.strict_std_compliance = 0;
        // SAFETY: without a function there is none that could be called wrongly. It keeps stderr ours.
        settings.logger = unsafe { Dav1dLogger::new(None, None) };
        let mut context = None;
        // SAFETY: both pointers are to live values of those types; the settings are only read.
        let opened = unsafe { dav1d_open(Some(NonNull::from(&mut context)), Some(NonNull::from(&mut settings))) };
        check(opened, "starting")?;
        Ok(Self(context))
    }

    /// Decodes; all of the data is one picture's.
    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let mut data = Dav1dData::default();
        // SAFETY: the pointer is to a live value of that type, which holds nothing yet.
        let buffer = unsafe { dav1d_data_create(Some(NonNull::from(&mut data)), bytes.len()) };
        let buffer = NonNull::new(buffer).ok_or_else(|| Error::new(Kind::OutOfMemory, "the AV1 data has no room"))?;
        // SAFETY: the call gave a buffer of that many bytes, which nothing else knows yet.
        unsafe { buffer.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
        // SAFETY: the context is open until we are dropped, and the data is a live value made by the call above.
        let sent = unsafe { dav1d_send_data(self.0, Some(NonNull::from(&mut data))) };
        // SAFETY: the data is what sending left of it: nothing, or all where it failed.
        unsafe { dav1d_data_unref(Some(NonNull::from(&mut data))) };
        check(sent, "decoding")
    }

    /// The picture that was sent.
    fn picture(&mut self) -> Result<Decoded> {
        // The first call may only tell it that no more data comes, and be told to ask again.
        self.ask().or_else(|_| self.ask())
    }

    fn ask(&mut self) -> Result<Decoded> {
        let mut picture = Decoded(Dav1dPicture::default());
        // SAFETY: the context is open until we are dropped; the pointer is to a live and empty picture.
        let got = unsafe { dav1d_get_picture(self.0, Some(NonNull::from(&mut picture.0))) };
        check(got, "showing")?;
        Ok(picture)
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context came from opening, and nobody closes it but us.
        unsafe { dav1d_close(Some(NonNull::from(&mut self.0))) };
    }
}

/// A picture of the decoder's, given back when dropped.
struct Decoded(Dav1dPicture);

impl Decoded {
    /// Copies the samples out.
    fn planes(&self) -> Result<Planes> {
        let parameters = &self.0.p;
        let strange = || corrupt(Format::Avif, "its AV1 picture is of a strange kind");
        let layout = match parameters.layout {
            DAV1D_PIXEL_LAYOUT_I400 => Layout::Grey,
            DAV1D_PIXEL_LAYOUT_I420 => Layout::Quarter,
            DAV1D_PIXEL_LAYOUT_I422 => Layout::Half,
            DAV1D_PIXEL_LAYOUT_I444 => Layout::Full,
            _ => return Err(strange()),
        };
        let size = Size::new(parameters.w.unsigned_abs(), parameters.h.unsigned_abs());
        let sides = [0, 1, 2].map(|plane| layout.plane_size(plane, size));
        let samples = match parameters.bpc {
            8 => PlaneSamples::Eight([self.plane(0, sides)?, self.plane(1, sides)?, self.plane(2, sides)?]),
            10 | 12 => PlaneSamples::More([self.plane(0, sides)?, self.plane(1, sides)?, self.plane(2, sides)?]),
            _ => return Err(strange()),
        };
        let header = self.0.seq_hdr.ok_or_else(strange)?;
        // SAFETY: the picture keeps its sequence header alive until it is given back, and nobody writes it.
        let header = unsafe { header.as_ref() };
        let (primaries, transfer, matrix) = (header.pri, header.trc, header.mtrx);
        let codes = ColorCodes { primaries, transfer, matrix, is_full_range: header.color_range != 0 };
        Ok(Planes { size, depth: parameters.bpc.unsigned_abs(), layout, codes, samples })
    }

    /// The samples of a plane; `T` is `u8` for pictures of 8 bits, else `u16`.
    fn plane<T: bytemuck::Pod>(&self, plane: usize, sides: [Size; 3]) -> Result<Vec<T>> {
        let size = sides[plane];
        let mut samples = Vec::new();
        samples.try_reserve_exact(size.area()).map_err(|_| lacking_memory(size))?;
        let stride = self.0.stride[plane.min(1)];
        for row in 0..size.height as isize {
            let missing = || corrupt(Format::Avif, "its AV1 picture lacks a plane");
            let start = self.0.data[plane].ok_or_else(missing)?;
            // SAFETY: the decoder has finished this picture and holds rows of so many samples of this
            // width a stride apart, aligned for it, until the picture is given back.
            let row = unsafe {
                std::slice::from_raw_parts(start.byte_offset(row * stride).cast().as_ptr(), size.width as usize)
            };
            samples.extend_from_slice(row);
        }
        Ok(samples)
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        // SAFETY: the picture is empty or the decoder's, and nobody gives it back but us.
        unsafe { dav1d_picture_unref(Some(NonNull::from(&mut self.0))) };
        // What `rav1d` 1.1 leaves behind in every empty picture, so that it does not leak.
        if let Some(list) = self.0.itut_t35_ref.take() {
            // SAFETY: it was put there by the call above, and now there is no other.
            drop(unsafe { list.into_arc() });
        }
    }
}

fn check(result: Dav1dResult, doing: &str) -> Result<()> {
    if result.0 == 0 {
        return Ok(());
    }
    Err(corrupt(Format::Avif, format!("{doing} its AV1 data failed ({})", -result.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_panics_or_hangs_is_left_behind() {
        let short = Duration::from_millis(20);
        assert_eq!(watched(Duration::from_secs(60), || 7), Some(7));
        assert_eq!(watched(Duration::from_secs(60), || -> u8 { panic!("as a decoder may") }), None);
        let (_keeps_it_waiting, never) = mpsc::channel::<u8>();
        assert!(watched(short, move || never.recv()).is_none());
    }
}
