//! What is said of the work: the log on standard error, and traces for a collector.

use std::io::IsTerminal;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{Config, Error, Kind, Result, config::LogFormat};

/// Begins to log, and to send traces if a collector is set. `RUST_LOG` chooses what; without it, what this program says
/// from `info` on.
///
/// # Errors
/// [`Kind::ConfigInvalid`] when the collector's address cannot be used.
pub fn start(config: &Config) -> Result<Option<SdkTracerProvider>> {
    let filter =
        || EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,backgroundfx_server=info"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let log: Box<dyn Layer<Registry> + Send + Sync> = match config.log {
        LogFormat::Pretty => lines.with_filter(filter()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter()).boxed(),
    };
    let provider = config.otlp.as_deref().map(provider).transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("backgroundfx")).with_filter(filter())
    });
    // A second server in one process keeps the first one's log.
    let _ = tracing_subscriber::registry().with(log).with(traces).try_init();
    Ok(provider)
}

fn provider(address: &str) -> Result<SdkTracerProvider> {
    let exporter =
        SpanExporter::builder().with_http().with_endpoint(format!("{}/v1/traces", address.trim_end_matches('/')));
    let exporter = exporter.build().map_err(|error| {
        Error::new(Kind::ConfigInvalid, format!("serve.otlp is {address:?}: {error}")).because(error)
    })?;
    let resource = Resource::builder().with_service_name("backgroundfx").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends what has not been sent.
pub fn end(traces: Option<SdkTracerProvider>) {
    if let Some(Err(error)) = traces.map(|provider| provider.shutdown()) {
        tracing::warn!(%error, "the last traces could not be sent");
    }
}
