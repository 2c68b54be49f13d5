//! The payloads of a trace through the codec, as the crate's own loops call it.

use std::hint::black_box;
use std::time::Instant;

use iroh::EndpointId;
use iroh_gossip::proto::topic::Message;

use crate::counting::allocated;
use crate::trace::{Input, Trace};
use crate::Error;

/// Decodes every payload, then encodes every message into one buffer.
pub fn round(trace: &Trace) -> Result<String, Error> {
    let payloads = || {
        trace.events.iter().filter_map(|event| match &event.input {
            Input::Received { payload, .. } => Some(payload),
            Input::Broadcast { .. } => None,
        })
    };
    let mut messages = Vec::with_capacity(trace.events.len());
    let mut buffer = vec![0; 1 << 21];

    let before = allocated();
    let clock = Instant::now();
    for payload in payloads() {
        messages.push(postcard::from_bytes::<Message<EndpointId>>(black_box(payload))?);
    }
    let decode = clock.elapsed().as_nanos();
    let decoded = allocated();

    let clock = Instant::now();
    for message in &messages {
        // measured first, since the length goes before the payload
        let size = postcard::experimental::serialized_size(black_box(message))?;
        buffer[..4].copy_from_slice(&(size as u32).to_be_bytes());
        black_box(postcard::to_slice(message, &mut buffer[4..])?);
    }
    let encode = clock.elapsed().as_nanos();
    let encoded = allocated();

    Ok(serde_json::json!({
        "frames": messages.len(),
        "decodeNanos": decode as u64,
        "encodeNanos": encode as u64,
        "decodeAllocations": decoded.0 - before.0,
        "encodeAllocations": encoded.0 - decoded.0,
    })
    .to_string())
}
