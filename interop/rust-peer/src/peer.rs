//! The peer: an endpoint on loopback, a router that accepts gossip, and the
//! requests that come in on stdin.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use iroh::address_lookup::memory::MemoryLookup;
use iroh::endpoint::{presets, PortmapperConfig};
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, TransportAddr};
use iroh_gossip::api::JoinOptions;
use iroh_gossip::net::{Gossip, GOSSIP_ALPN};
use iroh_gossip::proto::TopicId;
use iroh_metrics::{MetricValue, MetricsGroup};
use serde_json::{json, Value};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::connections::Observer;
use crate::numbered::{self, Tag};
use crate::options::Options;
use crate::output::Output;
use crate::protocol::{Command, Event, Reply, Request};
use crate::topic::Topic;
use crate::Error;

/// Runs until `shutdown` is asked for, or stdin ends (then without a goodbye).
pub async fn run(options: Options) -> Result<(), Error> {
    let mut peer = Peer::start(options).await?;
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let Request { id, command } = serde_json::from_str(&line)?;
        if peer.handle(id, command).await {
            break;
        }
    }
    peer.output.flush();
    Ok(())
}

struct Peer {
    gossip: Gossip,
    router: Router,
    lookup: MemoryLookup,
    observer: Observer,
    topics: HashMap<TopicId, Topic>,
    output: Output,
}

impl Peer {
    async fn start(options: Options) -> Result<Self, Error> {
        let lookup = MemoryLookup::new();
        let observer = Observer::default();
        let endpoint = Endpoint::builder(presets::Minimal)
            .secret_key(options.secret_key)
            .relay_mode(RelayMode::Disabled)
            .portmapper_config(PortmapperConfig::Disabled)
            .address_lookup(lookup.clone())
            .hooks(observer.clone())
            .clear_ip_transports()
            .bind_addr(options.bind)?
            .bind()
            .await?;
        let gossip = Gossip::builder()
            .max_message_size(options.config.max_message_size)
            .membership_config(options.config.membership)
            .broadcast_config(options.config.broadcast)
            .spawn(endpoint.clone());
        let router = Router::builder(endpoint)
            .accept(GOSSIP_ALPN, gossip.clone())
            .spawn();
        let output = Output::start();
        output.line(&Event::Ready {
            endpoint_id: router.endpoint().id().to_string(),
            addresses: router.endpoint().bound_sockets(),
        });
        Ok(Self {
            gossip,
            router,
            lookup,
            observer,
            topics: HashMap::new(),
            output,
        })
    }

    /// Performs one request and says whether it was the last.
    async fn handle(&mut self, id: u64, command: Command) -> bool {
        let last = matches!(command, Command::Shutdown);
        match self.perform(id, command).await {
            Ok(Some(value)) => self.output.line(&Reply::Value { reply: id, value }),
            Ok(None) => {}
            Err(error) => {
                self.output.line(&Reply::Error {
                    reply: id,
                    error: error.to_string(),
                });
            }
        }
        last
    }

    /// The value to answer with, `None` if a task will answer later.
    async fn perform(&mut self, id: u64, command: Command) -> Result<Option<Value>, Error> {
        let done = Value::Null;
        Ok(Some(match command {
            Command::AddPeer { peer, addresses } => {
                let addresses = addresses.into_iter().map(TransportAddr::Ip);
                self.lookup
                    .set_endpoint_info(EndpointAddr::from_parts(peer.parse()?, addresses));
                done
            }
            Command::Join {
                topic,
                bootstrap,
                count,
                capacity,
            } => {
                let topic = parse_topic(&topic)?;
                if self.topics.contains_key(&topic) {
                    return Err("the topic is joined already".into());
                }
                let mut options = JoinOptions::with_bootstrap(parse_peers(bootstrap)?);
                if let Some(capacity) = capacity {
                    options.subscription_capacity = capacity;
                }
                let joined = self.gossip.subscribe_with_opts(topic, options).await?;
                self.topics.insert(
                    topic,
                    Topic::start(topic, joined, count, self.output.clone()),
                );
                done
            }
            Command::JoinPeers { topic, peers } => {
                self.topic(&topic)?
                    .sender
                    .join_peers(parse_peers(peers)?)
                    .await?;
                done
            }
            Command::Leave { topic } => {
                let topic = self.topics.remove(&parse_topic(&topic)?);
                topic.ok_or("no such topic")?.leave().await;
                done
            }
            Command::Broadcast { topic, content } => {
                self.topic(&topic)?
                    .sender
                    .broadcast(hex::decode(content)?.into())
                    .await?;
                done
            }
            Command::BroadcastNeighbors { topic, content } => {
                let content = hex::decode(content)?;
                self.topic(&topic)?
                    .sender
                    .broadcast_neighbors(content.into())
                    .await?;
                done
            }
            Command::Flood {
                topic,
                tag,
                first,
                count,
                size,
            } => {
                let sender = self.topic(&topic)?.sender.clone();
                let tag = parse_tag(&tag)?;
                let output = self.output.clone();
                tokio::spawn(async move {
                    for number in first..first + count {
                        if let Err(error) =
                            sender.broadcast(numbered::content(tag, number, size)).await
                        {
                            output.line(&Reply::Error {
                                reply: id,
                                error: error.to_string(),
                            });
                            return;
                        }
                    }
                    output.line(&Reply::Value {
                        reply: id,
                        value: Value::Null,
                    });
                });
                return Ok(None);
            }
            Command::AwaitCount { topic, tag, count } => {
                let seen = self.topic(&topic)?.seen.clone();
                let tag = parse_tag(&tag)?;
                let output = self.output.clone();
                tokio::spawn(async move {
                    match seen.counted(tag, count).await {
                        Ok(()) => output.line(&Reply::Value {
                            reply: id,
                            value: Value::Null,
                        }),
                        Err(error) => output.line(&Reply::Error { reply: id, error }),
                    }
                });
                return Ok(None);
            }
            Command::Counts { topic } => json!(self.topic(&topic)?.seen.counts()),
            Command::Read { topic, on } => {
                self.topic(&topic)?.read(on);
                done
            }
            Command::Neighbors { topic } => json!(self.topic(&topic)?.seen.neighbors()),
            Command::Addresses => {
                let addr = self.router.endpoint().addr();
                json!(addr.ip_addrs().collect::<Vec<&SocketAddr>>())
            }
            Command::Metrics => json!(self.metrics()),
            Command::Connections => json!(self.observer.snapshot()),
            Command::Shutdown => {
                self.gossip.shutdown().await?;
                self.router.shutdown().await?;
                done
            }
        }))
    }

    fn topic(&self, topic: &str) -> Result<&Topic, Error> {
        Ok(self
            .topics
            .get(&parse_topic(topic)?)
            .ok_or("no such topic")?)
    }

    fn metrics(&self) -> BTreeMap<String, u64> {
        let counters = self
            .gossip
            .metrics()
            .iter()
            .filter_map(|item| match item.value() {
                MetricValue::Counter(value) => Some((item.name().to_string(), value)),
                _ => None,
            });
        counters.collect()
    }
}

fn parse_topic(topic: &str) -> Result<TopicId, Error> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(topic, &mut bytes)?;
    Ok(TopicId::from_bytes(bytes))
}

fn parse_tag(tag: &str) -> Result<Tag, Error> {
    let mut bytes = Tag::default();
    hex::decode_to_slice(tag, &mut bytes)?;
    Ok(bytes)
}

fn parse_peers(peers: Vec<String>) -> Result<Vec<EndpointId>, Error> {
    peers.iter().map(|peer| Ok(peer.parse()?)).collect()
}
