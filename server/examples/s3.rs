//! An S3 server for tests, on a folder: checks signatures and conditions as the real ones do.
//!
//! `cargo run --example s3 -- FOLDER PORT KEY SECRET`

use std::error::Error;

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, port, key, secret] = arguments.as_slice() else {
        return Err("FOLDER PORT KEY SECRET".into());
    };
    let files = s3s_fs::FileSystem::new(folder).map_err(|error| format!("{folder}: {error:?}"))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(key.as_str(), secret.as_str()));
    let service = builder.build();
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            // A client that goes away is no concern of a test's server.
            let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
