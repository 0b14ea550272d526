//! A workflow of many API calls behind a rate limiter and a circuit breaker.
//!
//! What an item of the workflow does is in `workflow.rs`: read that to learn how Tidegate is used.
//! The rest is the stage: a local server that fails for a while, worker processes, live progress,
//! and a summary that is counted from what happened.

mod args;
mod demo;
mod event;
mod progress;
mod server;
mod summary;
mod tally;
mod time;
mod worker;
mod workflow;

use std::process::ExitCode;

use args::Command;

#[tokio::main]
async fn main() -> ExitCode {
    let done = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(settings)) => demo::run(&settings).await,
        Ok(Command::Work) => worker::work().await,
        Ok(Command::Help) => {
            print!("{}", args::HELP);
            Ok(())
        }
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
