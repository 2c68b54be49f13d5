//! The command line.

use std::net::SocketAddr;

use iroh::SecretKey;
use iroh_gossip::proto::Config;

use crate::Error;

/// What the command line says.
pub struct Options {
    /// Judge payloads instead of being a peer.
    pub codec: bool,
    /// A peer that is started again keeps its id by its key.
    pub secret_key: SecretKey,
    /// Where to listen.
    pub bind: SocketAddr,
    /// The crate's configuration, its defaults unless said otherwise.
    pub config: Config,
}

impl Options {
    /// Reads `--codec`, `--secret-key HEX`, `--bind IP:PORT`, `--config JSON`.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Error> {
        let mut options = Self {
            codec: false,
            secret_key: SecretKey::generate(),
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            config: Config::default(),
        };
        while let Some(name) = args.next() {
            if name == "--codec" {
                options.codec = true;
                continue;
            }
            let value = args.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--secret-key" => {
                    let mut bytes = [0; 32];
                    hex::decode_to_slice(value, &mut bytes)?;
                    options.secret_key = SecretKey::from_bytes(&bytes);
                }
                "--bind" => options.bind = value.parse()?,
                "--config" => options.config = serde_json::from_str(&value)?,
                _ => return Err(format!("unknown option {name}").into()),
            }
        }
        Ok(options)
    }
}
