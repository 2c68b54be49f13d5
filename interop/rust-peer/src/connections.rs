//! Which connections the endpoint has, seen from a hook that only looks on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use iroh::endpoint::{
    AfterHandshakeOutcome, Connection, ConnectionStats, EndpointHooks, Side, WeakConnectionHandle,
};

use crate::protocol;

/// Cheap to clone; all clones see the same connections.
#[derive(Clone, Debug, Default)]
pub struct Observer(Arc<Mutex<Observed>>);

#[derive(Debug, Default)]
struct Observed {
    open: HashMap<usize, Open>,
    closed: Vec<ConnectionStats>,
}

#[derive(Debug)]
struct Open {
    peer: String,
    dialed: bool,
    handle: WeakConnectionHandle,
}

impl EndpointHooks for Observer {
    async fn after_handshake<'a>(&'a self, connection: &'a Connection) -> AfterHandshakeOutcome {
        let id = connection.stable_id();
        let handle = connection.weak_handle();
        let closed = handle.closed();
        let open = Open {
            peer: connection.remote_id().to_string(),
            dialed: connection.side() == Side::Client,
            handle,
        };
        self.0.lock().expect("no panic").open.insert(id, open);
        let observed = self.0.clone();
        tokio::spawn(async move {
            let closed = closed.await;
            let mut observed = observed.lock().expect("no panic");
            observed.open.remove(&id);
            observed.closed.extend(closed.map(|closed| closed.stats));
        });
        AfterHandshakeOutcome::accept()
    }
}

impl Observer {
    pub fn snapshot(&self) -> protocol::Connections {
        let observed = self.0.lock().expect("no panic");
        let mut closed_frames = protocol::Frames::default();
        for stats in &observed.closed {
            add(&mut closed_frames, stats);
        }
        let open = observed.open.values().map(|open| {
            let mut frames = protocol::Frames::default();
            if let Some(connection) = open.handle.upgrade() {
                add(&mut frames, &connection.stats());
            }
            protocol::Connection {
                peer: open.peer.clone(),
                dialed: open.dialed,
                frames,
            }
        });
        protocol::Connections {
            open: open.collect(),
            closed: observed.closed.len() as u64,
            closed_frames,
        }
    }
}

fn add(frames: &mut protocol::Frames, stats: &ConnectionStats) {
    frames.stop_sending_received += stats.frame_rx.stop_sending;
    frames.stop_sending_sent += stats.frame_tx.stop_sending;
    frames.reset_stream_received += stats.frame_rx.reset_stream;
    frames.reset_stream_sent += stats.frame_tx.reset_stream;
}
