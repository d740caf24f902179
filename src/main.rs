//! The `tectum` program: runs the command line, prints an error as one line, sets the exit code.

use std::io::ErrorKind;
use std::panic;
use std::process::ExitCode;

use clap::Parser;
use tectum::cli;
use tectum::machine::give_back_freed_memory;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    if args.lasts() {
        give_back_freed_memory();
    }
    init_log();
    panic::set_hook(Box::new(|panic| {
        let place =
            panic.location().map(|at| format!(" at {}:{}", source_name(at.file()), at.line())).unwrap_or_default();
        let reason = panic.payload_as_str().unwrap_or("unknown reason");
        let fault = format!("internal fault{place}: {reason}; please report it");
        // A thread that ends like this takes no window with it, which can then say so.
        #[cfg(feature = "window")]
        tectum::app::Notes::of_process().add(true, &fault);
        report(&fault);
    }));
    match panic::catch_unwind(|| cli::run(args)) {
        Ok(Ok(code)) => code,
        // The reader of our output went away (`tectum info … | head`): nothing is left to say.
        Ok(Err(error)) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            report(&format!("{error:#}"));
            ExitCode::from(tectum::jobs::exit_code(&error))
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints one line, whatever the message holds.
fn report(message: &str) {
    use std::io::Write;
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "error: {line}");
}

/// The crate and file of a source path, without where they lay when this was built.
fn source_name(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let crate_at = parts.iter().rposition(|part| *part == "src").map_or(parts.len() - 1, |src| src.saturating_sub(1));
    parts[crate_at..].join("/")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// Warnings and errors go to the window's list; log lines go to stderr when `TECTUM_LOG` asks for them, e.g. `TECTUM_LOG=tectum=debug`.
fn init_log() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::prelude::*;
    let wanted = std::env::var("TECTUM_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::OFF));
    // What clients of the network say in detail holds URLs and headers, and with them the right to read.
    let clients = ["h2", "hyper", "hyper_util", "object_store", "reqwest", "rustls"];
    let filter = filter.with_targets(clients.map(|client| (client, LevelFilter::OFF)));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(filter);
    let registry = tracing_subscriber::registry().with(log);
    #[cfg(feature = "window")]
    let registry = {
        use tectum::app::{Collector, Notes};
        registry.with(Collector(Notes::of_process().clone()).with_filter(LevelFilter::WARN))
    };
    registry.init();
}
