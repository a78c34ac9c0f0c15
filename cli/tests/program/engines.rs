//! The engines of `server/engines/run --all`, each behind a way that can be cut off.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::serving::Server;

/// A way to an engine that can be cut, or clogged so that nothing is answered.
pub struct Way {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    cut: AtomicBool,
    clogged: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Way {
    fn to(engine: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(State::default()));
        let shared = state.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Who comes while it is cut is sent away at once, as by a machine on which nothing listens.
                let Some(server) =
                    (!shared.cut.load(Ordering::SeqCst)).then(|| TcpStream::connect(engine).ok()).flatten()
                else {
                    continue;
                };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let state = shared.clone();
                    thread::spawn(move || pass(from, to, &state));
                }
                shared.open.lock().unwrap().extend([client, server]);
            }
        });
        Self { address, state }
    }

    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        self.break_off();
    }

    /// Ends all connections; new ones are passed on.
    pub fn break_off(&self) {
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn clog(&self) {
        self.state.clogged.store(true, Ordering::SeqCst);
    }

    pub fn restore(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
        self.state.clogged.store(false, Ordering::SeqCst);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        while state.clogged.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Tests share the engines; one that kills them, or keeps the machine busy, has them alone.
static USERS: RwLock<()> = RwLock::new(());

/// The right to use the engines beside others.
pub fn beside_others() -> RwLockReadGuard<'static, ()> {
    USERS.read().unwrap_or_else(PoisonError::into_inner)
}

/// The right to do with the engines what nobody else could bear.
pub fn alone() -> RwLockWriteGuard<'static, ()> {
    USERS.write().unwrap_or_else(PoisonError::into_inner)
}

/// The engines of the environment, each behind a way, and a database of its own.
pub struct Engines {
    pub postgres: Way,
    pub redis: Way,
    pub rabbitmq: Way,
    pub s3: Way,
    pub mongodb: Way,
    name: String,
    variables: Vec<(String, String)>,
}

impl Engines {
    pub fn new(name: &str) -> Self {
        let way = |engine: &str| Way::to(format!("127.0.0.1:{}", variable(&format!("PORT_{engine}"))).parse().unwrap());
        let ways = ["POSTGRES", "REDIS", "RABBITMQ", "S3", "MONGODB"].map(way);
        create_database(name);
        let [postgres, redis, rabbitmq, s3, mongodb] = ways;
        let set = [
            ("SERVE_DATABASE", format!("postgres://backgroundfx@{}/{name}", postgres.address)),
            ("SERVE_REDIS", format!("redis://{}/", redis.address)),
            ("SERVE_QUEUE", format!("amqp://guest:guest@{}/%2f", rabbitmq.address)),
            ("SERVE_OBJECTS", format!("{}/{name}", variable("S3_TEST_URL"))),
            ("SERVE_DOCUMENTS", format!("mongodb://{}/{name}?directConnection=true", mongodb.address)),
            ("SERVE_BODY_MEGABYTES", "50".to_owned()),
            (
                "SERVE_OBJECTS_SECOND",
                format!("{}/{name}-second?endpoint=http://127.0.0.1:{}", variable("S3_TEST_URL"), variable("PORT_S3")),
            ),
            ("SERVE_WORK", "false".to_owned()),
            ("SERVE_RATE_MEGAPIXELS", "1000000".to_owned()),
        ];
        let mut variables: Vec<_> = set.map(|(name, text)| (format!("BACKGROUNDFX_{name}"), text)).into();
        variables.push(("AWS_ENDPOINT_URL".to_owned(), format!("http://{}", s3.address)));
        Self { postgres, redis, rabbitmq, s3, mongodb, name: name.to_owned(), variables }
    }

    /// Variables of a service that stands alone with the PostgreSQL and a database of its own, and the RabbitMQ if it has a
    /// `queue`; its files are files.
    pub fn alone(name: &str, queue: bool) -> Vec<(String, String)> {
        create_database(name);
        let mut set = vec![
            ("BACKGROUNDFX_SERVE_DATABASE".to_owned(), format!("{}/{name}", variable("POSTGRES_TEST_URL"))),
            ("BACKGROUNDFX_SERVE_RATE_MEGAPIXELS".to_owned(), "1000000".to_owned()),
        ];
        if queue {
            set.push(("BACKGROUNDFX_SERVE_QUEUE".to_owned(), variable("RABBITMQ_TEST_URL")));
        }
        set
    }

    /// Starts a process, as often as it takes until what it needs is there: as what watches over processes does.
    pub fn start(&self, command: &str, folder: &Path) -> Server {
        let variables: Vec<_> = self.variables.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        for _ in 0..60 {
            if let Some(server) = Server::try_start_as(command, folder, &variables) {
                return server;
            }
            thread::sleep(Duration::from_millis(500));
        }
        panic!("{command} does not start")
    }

    /// Kills an engine itself, and starts it again.
    pub fn kill_and_start(name: &str, pause: Duration) {
        let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/../server/engines/engine");
        let run = |what: &str| {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
            assert!(Command::new(engine).args([what, name]).current_dir(root).status().unwrap().success());
        };
        run("kill");
        thread::sleep(pause);
        run("start");
    }

    /// What a query of one number says, asked of the PostgreSQL itself.
    pub fn count(&self, sql: &str) -> usize {
        let database = format!("{}/{}", variable("POSTGRES_TEST_URL"), self.name);
        let output = Command::new("psql").args([&database, "-Atc", sql]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    }

    /// Where all of the S3 server's objects are, and what was sent of those that are not whole.
    pub fn all_objects(&self) -> PathBuf {
        PathBuf::from(variable("ENGINES")).join("s3/files")
    }

    /// Where the objects of the S3 server are, and the second bucket's.
    pub fn objects(&self) -> [PathBuf; 2] {
        let second = format!("{}-second", self.name);
        [&self.name, &second].map(|name| self.all_objects().join("backgroundfx").join(name))
    }
}

fn create_database(name: &str) {
    let made = Command::new("psql")
        .args([&format!("{}/postgres", variable("POSTGRES_TEST_URL")), "-c", &format!("CREATE DATABASE {name}")])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: server/engines/run --all"))
}
