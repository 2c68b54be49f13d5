//! One subscription: what is sent goes through `sender`, what comes is printed
//! or counted by a task.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex};

use iroh::EndpointId;
use iroh_gossip::api::{Event, GossipReceiver, GossipSender, GossipTopic};
use iroh_gossip::proto::{DeliveryScope, TopicId};
use n0_future::StreamExt;
use tokio::sync::{watch, Notify};
use tokio::task::JoinHandle;

use crate::numbered::{self, Tag};
use crate::output::Output;
use crate::protocol::{self, Count, Counts};

/// A topic that was joined. Dropping it leaves the topic.
pub struct Topic {
    pub sender: GossipSender,
    pub seen: Arc<Seen>,
    read: watch::Sender<bool>,
    reader: JoinHandle<()>,
}

/// What a subscription has brought so far.
#[derive(Default)]
pub struct Seen {
    state: Mutex<State>,
    counted: Notify,
}

#[derive(Default)]
struct State {
    neighbors: BTreeSet<EndpointId>,
    numbers: HashMap<Tag, Numbers>,
    lagged: u64,
}

#[derive(Default)]
struct Numbers {
    received: u64,
    distinct: HashSet<u32>,
}

impl Topic {
    pub fn start(id: TopicId, topic: GossipTopic, count: bool, output: Output) -> Self {
        let (sender, receiver) = topic.split();
        let seen = Arc::<Seen>::default();
        let (read, reading) = watch::channel(true);
        let reader = Reader {
            topic: hex::encode(id.as_bytes()),
            count,
            output,
            seen: seen.clone(),
        };
        Self {
            sender,
            seen,
            read,
            reader: tokio::spawn(reader.run(receiver, reading)),
        }
    }

    /// Stops or resumes reading, as an application that is busy would.
    pub fn read(&self, on: bool) {
        self.read.send_replace(on);
    }

    /// Drops both halves; the crate then leaves the topic.
    pub async fn leave(self) {
        drop(self.sender);
        self.reader.abort();
        self.reader.await.ok();
    }
}

impl Seen {
    pub fn neighbors(&self) -> Vec<String> {
        let state = self.state.lock().expect("no panic");
        state.neighbors.iter().map(ToString::to_string).collect()
    }

    pub fn counts(&self) -> Counts {
        let state = self.state.lock().expect("no panic");
        let tags = state.numbers.iter().map(|(tag, numbers)| {
            let distinct = numbers.distinct.len() as u32;
            (
                hex::encode(tag),
                Count {
                    received: numbers.received,
                    distinct,
                },
            )
        });
        Counts {
            tags: tags.collect(),
            lagged: state.lagged,
        }
    }

    /// Resolves when `count` different numbers of the tag have been received,
    /// fails once events are lost.
    pub async fn counted(&self, tag: Tag, count: u32) -> Result<(), String> {
        loop {
            let mut counted = std::pin::pin!(self.counted.notified());
            counted.as_mut().enable();
            let (reached, lagged) = {
                let state = self.state.lock().expect("no panic");
                let numbers = state.numbers.get(&tag);
                (
                    numbers.map_or(0, |numbers| numbers.distinct.len()),
                    state.lagged,
                )
            };
            if reached >= count as usize {
                return Ok(());
            }
            if lagged > 0 {
                return Err(format!(
                    "the application lagged {lagged} times, {reached} of {count} came"
                ));
            }
            counted.await;
        }
    }
}

struct Reader {
    topic: String,
    count: bool,
    output: Output,
    seen: Arc<Seen>,
}

impl Reader {
    async fn run(self, mut receiver: GossipReceiver, mut reading: watch::Receiver<bool>) {
        while reading.wait_for(|on| *on).await.is_ok() {
            let event = tokio::select! {
                event = receiver.next() => event,
                _ = reading.changed() => continue,
            };
            match event {
                Some(Ok(event)) => self.on_event(event),
                Some(Err(_)) | None => break,
            }
        }
        self.output
            .line(&protocol::Event::Ended { topic: self.topic });
    }

    fn on_event(&self, event: Event) {
        let topic = self.topic.clone();
        match event {
            Event::NeighborUp(peer) => {
                self.seen
                    .state
                    .lock()
                    .expect("no panic")
                    .neighbors
                    .insert(peer);
                self.output.line(&protocol::Event::NeighborUp {
                    topic,
                    peer: peer.to_string(),
                });
            }
            Event::NeighborDown(peer) => {
                self.seen
                    .state
                    .lock()
                    .expect("no panic")
                    .neighbors
                    .remove(&peer);
                self.output.line(&protocol::Event::NeighborDown {
                    topic,
                    peer: peer.to_string(),
                });
            }
            Event::Lagged => {
                self.seen.state.lock().expect("no panic").lagged += 1;
                self.seen.counted.notify_waiters();
                self.output.line(&protocol::Event::Lagged { topic });
            }
            Event::Received(message) => {
                if self.count {
                    if let Some((tag, number)) = numbered::parse(&message.content) {
                        self.count(tag, number);
                        return;
                    }
                }
                self.output.line(&protocol::Event::Received {
                    topic,
                    content: hex::encode(&message.content),
                    delivered_from: message.delivered_from.to_string(),
                    scope: match message.scope {
                        // The crate shows the number of a round only to serde.
                        DeliveryScope::Swarm(round) => protocol::Scope::Swarm {
                            round: serde_json::json!(round),
                        },
                        DeliveryScope::Neighbors => protocol::Scope::Neighbors,
                    },
                });
            }
        }
    }

    fn count(&self, tag: Tag, number: u32) {
        let mut state = self.seen.state.lock().expect("no panic");
        let numbers = state.numbers.entry(tag).or_default();
        numbers.received += 1;
        numbers.distinct.insert(number);
        self.seen.counted.notify_waiters();
    }
}
