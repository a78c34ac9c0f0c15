//! The command line: what can be asked for, with the help a person sees.

mod cut;
mod key;
mod remove;
#[cfg(feature = "server")]
mod serve;
mod video;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::config::License;
pub use cut::CutArguments;
pub use key::KeyArguments;
pub use remove::{OnEmpty, OutputKind, RemoveArguments};
#[cfg(feature = "server")]
pub use serve::ServeArguments;
pub use video::{VideoArguments, VideoKind};

/// Takes the background out of pictures, or puts another one behind the subject, on your own machine.
#[derive(Debug, Parser)]
#[command(name = "backgroundfx", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command understands.
    #[command(flatten)]
    pub shared: Shared,
}

/// What every command understands.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "General")]
pub struct Shared {
    /// Configuration file (default: config.toml in the configuration folder)
    #[arg(long, global = true, env = "BACKGROUNDFX_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use only what is on this machine; fetch nothing
    #[arg(long, global = true)]
    pub offline: bool,
    /// Which models may be used: `commercial` leaves out those whose weights forbid commercial use
    #[arg(long, global = true, value_enum)]
    pub license: Option<License>,
    /// TOML file that describes models of your own
    #[arg(long, global = true, value_name = "FILE")]
    pub models_file: Option<PathBuf>,
    /// How progress is shown on standard error; `auto` draws bars on a terminal and nothing elsewhere
    #[arg(long, global = true, value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
    /// Say only what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more: model, device, time of each step
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ProgressMode {
    /// Bars on a terminal, nothing elsewhere
    #[default]
    Auto,
    /// A line for each picture, and for each tenth of a download
    Plain,
    /// A JSON object for each step, picture and part of a download
    Json,
    /// Nothing
    None,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Cut subjects out of pictures
    #[command(after_help = remove::EXAMPLES)]
    Remove(Box<RemoveArguments>),
    /// Cut subjects out of clips, or put another background behind them
    #[command(after_help = video::EXAMPLES)]
    Video(Box<VideoArguments>),
    /// Serve an HTTP API on this machine
    #[cfg(feature = "server")]
    #[command(after_help = serve::EXAMPLES)]
    Serve(ServeArguments),
    /// Make the jobs that services on the same PostgreSQL accept
    #[cfg(feature = "server")]
    #[command(after_help = serve::WORKER_EXAMPLES)]
    Worker(ServeArguments),
    /// Bring the tables of a shared database up to date, before processes of a new version start
    #[cfg(feature = "server")]
    Migrate {
        /// The PostgreSQL, as postgres://user@host/name, instead of the configured one
        #[arg(long, value_name = "ADDRESS")]
        database: Option<String>,
    },
    /// Add organisations to a service, move or list them: who shares it and sees nothing of the others
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Organisations(OrganisationsCommand),
    /// List, fetch, check and remove models
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Measure how far a matte is from another
    Compare(CompareArguments),
    /// Show what was found on this machine, and what to do about what is missing
    Doctor(DoctorArguments),
    /// Show the configuration in effect, or where its file lies
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List all error codes with their hints
    Codes {
        /// As a Markdown table, for the documents
        #[arg(long)]
        markdown: bool,
        /// Those of the service, with their HTTP statuses
        #[cfg(feature = "server")]
        #[arg(long)]
        service: bool,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write all of them into a folder
    Man {
        /// Folder to write into
        folder: Option<PathBuf>,
    },
}

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List all models
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// As a Markdown table, for the documents
        #[arg(long, conflicts_with = "json")]
        markdown: bool,
    },
    /// Fetch models (and the runtime) for later, when there may be no network
    Pull {
        /// Models, or what browsers need (onnxruntime-web-script, onnxruntime-web-wasm); without any, the default model
        names: Vec<String>,
        /// Accept a file whose checksum nobody has recorded yet; what arrives is recorded
        #[arg(long)]
        trust_unknown: bool,
        /// Only the runtime, for machines and images that get their models elsewhere
        #[arg(long, conflicts_with = "names")]
        runtime: bool,
    },
    /// Make a model ready for `--precision int8`; its ranges are found on pictures where this build does not know them
    Optimize {
        /// Its name
        name: String,
        /// Pictures like those it is to be used on; a dozen is enough
        pictures: Vec<PathBuf>,
        /// Print the ranges too, as the table that a build would have of them
        #[arg(long)]
        show: bool,
    },
    /// Check files on this machine against their checksums
    Verify {
        /// Names; without any, all that are here
        names: Vec<String>,
    },
    /// Remove models from this machine
    Remove {
        /// Names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show everything known about a model
    Info {
        /// Its name
        name: String,
    },
    /// Print the folder where models are kept
    Path,
}

/// What `compare` understands.
#[derive(Debug, clap::Args)]
pub struct CompareArguments {
    /// A matte: a grey picture, or one with transparency
    pub matte: PathBuf,
    /// The matte it is measured against
    pub truth: PathBuf,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
    /// End with exit code 8 when the mean absolute error is above this
    #[arg(long, value_name = "MAE")]
    pub fail_above: Option<f64>,
}

/// What `doctor` understands.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DoctorArguments {
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
    /// Something else to look at than this machine
    #[cfg(feature = "server")]
    #[command(subcommand)]
    pub at: Option<DoctorCommand>,
}

/// What else can be looked at.
#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub enum DoctorCommand {
    /// Check whether a server speaks remove.bg's protocol as its clients need it
    Removebg(RemovebgArguments),
    /// Ask a running service whether it is ready: the health check of a container
    Service(ServiceArguments),
}

/// What can be done with organisations.
#[cfg(feature = "server")]
#[derive(Debug, Subcommand)]
pub enum OrganisationsCommand {
    /// Add one and show the key of its owner, once; the service may be running
    Add {
        /// What it is called
        name: String,
        /// E-mail address of its owner
        #[arg(long, value_name = "ADDRESS")]
        owner: String,
        /// Which database it is in: 0 is `database`, 1 the first of `shards`
        #[arg(long, value_name = "N", default_value_t = 0)]
        shard: usize,
        #[command(flatten)]
        at: OrganisationsAt,
    },
    /// Move one with all it has to another database, while the service runs
    Move {
        /// Its identifier
        id: String,
        /// 0 is `database`, 1 the first of `shards`
        #[arg(long, value_name = "N")]
        to: usize,
        #[command(flatten)]
        at: OrganisationsAt,
    },
    /// List them, oldest first
    List {
        #[command(flatten)]
        at: OrganisationsAt,
    },
}

/// Which service's organisations.
#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub struct OrganisationsAt {
    /// The folder of the service
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Its PostgreSQL, as postgres://user@host/name
    #[arg(long, value_name = "ADDRESS")]
    pub database: Option<String>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `doctor service` understands.
#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub struct ServiceArguments {
    /// The service's address; a worker's is its own
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub base: String,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `doctor removebg` understands.
#[cfg(feature = "server")]
#[derive(Debug, clap::Args)]
pub struct RemovebgArguments {
    /// The server's address, up to and without /removebg
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/v1.0")]
    pub base: String,
    /// An API key of that server
    #[arg(long, env = "REMOVE_BG_API_KEY", hide_env_values = true)]
    pub key: String,
    /// Address of a picture that the server can fetch; without it, fetching is not checked
    #[arg(long, value_name = "URL")]
    pub image_url: Option<String>,
    /// As a JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be asked about the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration in effect, as a file that could be used
    Show,
    /// Print where the configuration file is looked for
    Path,
    /// Print a file that explains every field and shows its default
    Default,
}
