//! Connections: how many, how long a client may take to say what it wants, and how they end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::Request};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::App;

/// Most connections at one time; more wait until one ends.
const MOST: usize = 4096;

/// How long a client may take for the head of a request.
const HEAD: Duration = Duration::from_secs(15);

/// Serves until `stop` ends, then lets running requests finish; whether all did within the configured time.
pub async fn serve(
    app: &Arc<App>,
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    router: Router,
    stop: impl Future<Output = ()>,
) -> bool {
    let (connections, places) = (GracefulShutdown::new(), Arc::new(Semaphore::new(MOST)));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD).max_concurrent_streams(128);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await.expect("it is never closed");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Mostly no file is left; the next one may come when a connection has ended.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Answers are written whole: waiting to fill packets only delays them.
        let _ = stream.set_nodelay(true);
        let (builder, tls, watcher) = (builder.clone(), tls.clone(), connections.watcher());
        let service =
            TowerToHyperService::new(router.clone().map_request(|request: Request<Incoming>| request.map(Body::new)));
        tokio::spawn(async move {
            let _place = place;
            let ended = match tls {
                None => {
                    watcher
                        .watch(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned())
                        .await
                }
                Some(tls) => match tokio::time::timeout(HEAD, tls.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        let stream = TokioIo::new(stream);
                        watcher.watch(builder.serve_connection_with_upgrades(stream, service).into_owned()).await
                    }
                    Ok(Err(error)) => return tracing::debug!(%error, "no TLS came about"),
                    Err(_) => return tracing::debug!("no TLS came about in time"),
                },
            };
            if let Err(error) = ended {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    app.stop();
    let (began, most) = (Instant::now(), Duration::from_secs(app.config.drain_seconds));
    tracing::info!(seconds = most.as_secs(), "stopping: running requests are waited for");
    let drained = tokio::time::timeout(most, connections.shutdown()).await.is_ok();
    tracing::info!(took_ms = began.elapsed().as_millis() as u64, drained, "connections are closed");
    drained
}
