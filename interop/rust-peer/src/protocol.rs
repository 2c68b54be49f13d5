//! The lines. Ids, topics, tags and contents are lower-case hex.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// One line of stdin: `{"id":1,"do":"join","topic":"…"}`. The id comes back in the reply.
#[derive(Deserialize)]
pub struct Request {
    pub id: u64,
    #[serde(flatten)]
    pub command: Command,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Command {
    /// Remember where a peer can be dialed.
    AddPeer {
        peer: String,
        addresses: Vec<SocketAddr>,
    },
    /// Subscribe to a topic, and ask these peers to let us in. Answered at once.
    Join {
        topic: String,
        #[serde(default)]
        bootstrap: Vec<String>,
        /// Whether messages become `received` events or are only counted (numbered contents).
        #[serde(default)]
        count: bool,
        /// Events that the crate queues for the application.
        capacity: Option<usize>,
    },
    /// Ask further peers to let us into a topic.
    JoinPeers {
        topic: String,
        peers: Vec<String>,
    },
    /// Drop sender and receiver, upon which the crate leaves the topic.
    Leave {
        topic: String,
    },
    Broadcast {
        topic: String,
        content: String,
    },
    BroadcastNeighbors {
        topic: String,
        content: String,
    },
    /// Broadcast the numbered contents `first` to `first + count - 1` of a tag
    /// as fast as the crate takes them. Answered when it has taken the last.
    Flood {
        topic: String,
        tag: String,
        first: u32,
        count: u32,
        size: usize,
    },
    /// Answered when so many different numbers of a tag have been received;
    /// an error once the application has lagged.
    AwaitCount {
        topic: String,
        tag: String,
        count: u32,
    },
    /// What has been counted: `{"tags":{tag:{"received":2,"distinct":1}},"lagged":0}`.
    Counts {
        topic: String,
    },
    /// Read the topic's events no more (`false`), or again.
    Read {
        topic: String,
        on: bool,
    },
    Neighbors {
        topic: String,
    },
    /// Where the crate would say that we can be dialed.
    Addresses,
    /// The crate's own counters.
    Metrics,
    /// Open connections and what happened on them, and the number closed so far.
    Connections,
    /// Say goodbye on all topics, close the endpoint, exit.
    Shutdown,
}

/// `{"reply":1,"value":…}` or `{"reply":1,"error":"…"}`.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    Value {
        reply: u64,
        value: serde_json::Value,
    },
    Error {
        reply: u64,
        error: String,
    },
}

/// Lines that nobody asked for: `{"event":"neighborUp","topic":"…","peer":"…"}`.
#[derive(Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    Ready {
        endpoint_id: String,
        addresses: Vec<SocketAddr>,
    },
    NeighborUp {
        topic: String,
        peer: String,
    },
    NeighborDown {
        topic: String,
        peer: String,
    },
    Received {
        topic: String,
        content: String,
        delivered_from: String,
        scope: Scope,
    },
    /// The application read too slowly, an unknown number of events is lost.
    Lagged {
        topic: String,
    },
    /// The crate ended the subscription.
    Ended {
        topic: String,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Scope {
    Swarm { round: serde_json::Value },
    Neighbors,
}

/// Frames of one kind that went over a connection, or over all that are closed.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Frames {
    /// STOP_SENDING: the other side refuses to read a stream of ours.
    pub stop_sending_received: u64,
    pub stop_sending_sent: u64,
    /// RESET_STREAM: the other side gave up a stream of its own.
    pub reset_stream_received: u64,
    pub reset_stream_sent: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
    pub peer: String,
    /// Whether this peer dialed it.
    pub dialed: bool,
    pub frames: Frames,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    pub open: Vec<Connection>,
    pub closed: u64,
    pub closed_frames: Frames,
}

/// What was counted in a topic.
#[derive(Clone, Default, Serialize)]
pub struct Counts {
    pub tags: BTreeMap<String, Count>,
    pub lagged: u64,
}

#[derive(Clone, Copy, Default, Serialize)]
pub struct Count {
    /// Messages.
    pub received: u64,
    /// Different numbers among them.
    pub distinct: u32,
}
