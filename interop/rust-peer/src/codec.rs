//! What the crate makes of the payload of a frame.

use std::io::{stdin, stdout, BufRead, BufWriter, Write};

use iroh::EndpointId;
use iroh_gossip::proto::topic::Message;

use crate::Error;

/// Answers each line of stdin, a payload in hex, by
/// `{"ok":true,"reencoded":hex}` or `{"ok":false,"error":text}`.
pub fn run() -> Result<(), Error> {
    let mut out = BufWriter::new(stdout().lock());
    for line in stdin().lock().lines() {
        let payload = hex::decode(line?.trim())?;
        // As the crate's receive loop does: bytes after a complete value are ignored.
        match postcard::from_bytes::<Message<EndpointId>>(&payload) {
            Ok(message) => {
                let reencoded = hex::encode(postcard::to_stdvec(&message)?);
                writeln!(out, r#"{{"ok":true,"reencoded":"{reencoded}"}}"#)?;
            }
            Err(error) => {
                let error = serde_json::Value::from(error.to_string());
                writeln!(out, r#"{{"ok":false,"error":{error}}}"#)?;
            }
        }
    }
    out.flush()?;
    Ok(())
}
