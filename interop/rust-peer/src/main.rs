//! An unmodified iroh-gossip peer, driven by JSON lines.
//!
//! One request per line on stdin, replies and events on stdout, logs (as
//! `RUST_LOG` asks) on stderr. The lines are described in `protocol.rs`.
//!
//! With `--codec` no peer is started: each line of stdin is the payload of one
//! frame in hex, and is answered by what the crate makes of it.

mod codec;
mod connections;
mod numbered;
mod options;
mod output;
mod peer;
mod protocol;
mod topic;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rust-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let options = options::Options::from_args(std::env::args().skip(1))?;
    if options.codec {
        return codec::run();
    }
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    // A panic in one of the crate's tasks would leave a peer that looks alive.
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::exit(101);
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(peer::run(options));
    // Dropping it would wait for the next line of stdin.
    runtime.shutdown_background();
    result
}
