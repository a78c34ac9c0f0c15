//! A small HTTP server that knows ranges and misbehaves on request.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What the server does with a request for any path.
#[derive(Clone)]
pub enum Manner {
    /// Delivers the bytes, or the part asked for.
    Honest(Vec<u8>),
    /// Breaks off after so many bytes, but only on the first so many requests.
    Cutting { bytes: Vec<u8>, after: usize, times: usize },
    /// Delivers so many bytes and then nothing more, without hanging up.
    Stalling { bytes: Vec<u8>, after: usize },
    /// Delivers the bytes without saying how many, and takes no notice of ranges.
    Lengthless(Vec<u8>),
    /// Delivers the bytes, and takes no notice of ranges.
    Deaf(Vec<u8>),
    /// Delivers the bytes slowly, in pieces.
    Slow(Vec<u8>),
    /// Answers with this status and no file.
    Status(u16),
}

pub struct Server {
    pub address: String,
    requests: Arc<Mutex<Vec<Option<u64>>>>,
}

impl Server {
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/file", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, count) = (requests.clone(), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (manner, log, number) = (manner.clone(), log.clone(), count.fetch_add(1, Ordering::SeqCst));
                // A client that hangs up early is part of the tests.
                thread::spawn(move || answer(stream, &manner, number, &log).ok());
            }
        });
        Self { address, requests }
    }

    /// The first byte that each request so far asked for; `None` for the whole.
    pub fn requests(&self) -> Vec<Option<u64>> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, manner: &Manner, number: usize, log: &Mutex<Vec<Option<u64>>>) -> std::io::Result<()> {
    let mut from = read_request(&stream)?;
    log.lock().unwrap().push(from);
    let bytes = match manner {
        Manner::Status(status) => {
            return write!(stream, "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Manner::Lengthless(bytes) => {
            write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            return stream.write_all(bytes);
        }
        Manner::Deaf(bytes) => {
            from = None;
            bytes
        }
        Manner::Honest(bytes) | Manner::Slow(bytes) => bytes,
        Manner::Cutting { bytes, .. } | Manner::Stalling { bytes, .. } => bytes,
    };
    let start = from.unwrap_or(0) as usize;
    if start >= bytes.len() {
        return write!(stream, "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let rest = &bytes[start..];
    let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", rest.len())?;
    if from.is_some() {
        write!(stream, "Content-Range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len())?;
    }
    write!(stream, "\r\n")?;
    match manner {
        Manner::Cutting { after, times, .. } if number < *times => stream.write_all(&rest[..(*after).min(rest.len())]),
        Manner::Stalling { after, .. } => {
            stream.write_all(&rest[..*after])?;
            thread::sleep(Duration::from_secs(5));
            Ok(())
        }
        Manner::Slow(_) => rest.chunks(rest.len() / 10 + 1).try_for_each(|piece| {
            thread::sleep(Duration::from_millis(30));
            stream.write_all(piece)
        }),
        _ => stream.write_all(rest),
    }
}

/// Reads the head of a request; answers the first byte of its range. Asked to be a proxy, it plays the other end too.
fn read_request(mut stream: &TcpStream) -> std::io::Result<Option<u64>> {
    let (mut from, mut tunnel) = (None, false);
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_lowercase();
        tunnel |= line.starts_with("connect ");
        if line.is_empty() && tunnel {
            write!(stream, "HTTP/1.1 200 OK\r\n\r\n")?;
            return read_request(stream);
        }
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            from = range.trim_end_matches('-').parse().ok();
        }
    }
    Ok(from)
}
