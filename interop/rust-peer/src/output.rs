//! Lines on stdout, written by one thread in the order in which they were given.

use std::io::{stdout, BufWriter, Write};
use std::sync::mpsc::{channel, sync_channel, Receiver, Sender, SyncSender};

use serde::Serialize;

/// Where replies and events go.
#[derive(Clone)]
pub struct Output(Sender<Item>);

enum Item {
    Line(String),
    /// Answered when everything before it has been written.
    Flush(SyncSender<()>),
}

impl Output {
    pub fn start() -> Self {
        let (sender, items) = channel();
        std::thread::spawn(move || {
            if write(items).is_err() {
                // Whoever drove this peer is gone.
                std::process::exit(1);
            }
        });
        Self(sender)
    }

    /// Queues one line; never blocks.
    pub fn line(&self, value: &impl Serialize) {
        let line = serde_json::to_string(value).expect("these types always serialize");
        self.0.send(Item::Line(line)).ok();
    }

    /// Blocks until all queued lines are written.
    pub fn flush(&self) {
        let (written, wait) = sync_channel(1);
        self.0.send(Item::Flush(written)).ok();
        wait.recv().ok();
    }
}

fn write(items: Receiver<Item>) -> std::io::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    while let Ok(first) = items.recv() {
        for item in std::iter::once(first).chain(items.try_iter()) {
            match item {
                Item::Line(line) => writeln!(out, "{line}")?,
                Item::Flush(written) => {
                    out.flush()?;
                    written.send(()).ok();
                }
            }
        }
        out.flush()?;
    }
    Ok(())
}
