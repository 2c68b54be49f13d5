//! Times the crate's state machine and codec on the inputs of a file.
//!
//! `rust-bench handle FILE ROUNDS` plays the events through the state machine,
//! timers included; `rust-bench whole FILE ROUNDS` the same from the bytes that
//! come to the bytes that go; `rust-bench codec FILE ROUNDS` decodes and encodes
//! the payloads of those that are received. Prints one line of JSON for each round.

mod codec;
mod counting;
mod handle;
mod trace;

use std::process::ExitCode;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rust-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [what, file, rounds] = args.as_slice() else {
        return Err("usage: rust-bench handle|whole|codec FILE ROUNDS".into());
    };
    let trace = trace::Trace::read(file)?;
    for _ in 0..rounds.parse::<u32>()? {
        let line = match what.as_str() {
            "handle" => handle::round(&trace, false)?,
            "whole" => handle::round(&trace, true)?,
            "codec" => codec::round(&trace)?,
            _ => return Err("handle, whole or codec?".into()),
        };
        println!("{line}");
    }
    Ok(())
}
