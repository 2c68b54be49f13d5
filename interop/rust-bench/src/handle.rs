//! The events of a trace through the state machine, in virtual time.

use std::hint::black_box;
use std::time::Instant as Clock;

use iroh::EndpointId;
use iroh_gossip::proto::util::TimerMap;
use iroh_gossip::proto::{
    topic, Command, Config, InEvent, Message, OutEvent, PeerData, Scope, State, Timer, TopicId,
};
use n0_future::time::{Duration, Instant};
use rand::rngs::StdRng;
use rand::SeedableRng;

use crate::counting::allocated;
use crate::trace::{Input, Trace};
use crate::Error;

const TOPIC: [u8; 32] = [7; 32];

#[derive(Default)]
struct Totals {
    handled: u64,
    sent: u64,
    delivered: u64,
    timers: u64,
}

/// One input, with what a frame brings still to be decoded or not.
enum Given {
    Event(InEvent<EndpointId>),
    Frame(EndpointId, Vec<u8>),
}

/// Plays the trace once, and says what that took. With `whole` that is from the
/// bytes of each frame to the bytes of each that is sent, for every receiver
/// anew, as the crate's own loops do it; otherwise decoding comes before, and
/// nothing is encoded.
pub fn round(trace: &Trace, whole: bool) -> Result<String, Error> {
    let topic = TopicId::from(TOPIC);
    let mut inputs = Vec::with_capacity(trace.events.len());
    for event in &trace.events {
        let input = match &event.input {
            Input::Received { from, payload } => {
                let bytes = with_topic(payload)?;
                if whole {
                    Given::Frame(*from, bytes)
                } else {
                    Given::Event(InEvent::RecvMessage(*from, postcard::from_bytes(&bytes)?))
                }
            }
            Input::Broadcast { content } => Given::Event(InEvent::Command(
                topic,
                Command::Broadcast(content.clone().into(), Scope::Swarm),
            )),
        };
        inputs.push((event.at, input));
    }
    let mut machine = Machine::new(trace.me, whole);
    let start = Instant::now();
    machine.handle(InEvent::Command(topic, Command::Join(Vec::new())), start);
    machine.totals = Totals::default();

    let before = allocated();
    let clock = Clock::now();
    for (at, input) in inputs {
        let input = match input {
            Given::Event(event) => event,
            Given::Frame(from, bytes) => {
                InEvent::RecvMessage(from, postcard::from_bytes(black_box(&bytes))?)
            }
        };
        machine.advance(start + Duration::from_millis(at), Some(input));
    }
    let nanos = clock.elapsed().as_nanos();
    let after = allocated();

    let Totals {
        handled,
        sent,
        delivered,
        timers,
    } = machine.totals;
    Ok(serde_json::json!({
        "events": trace.events.len(),
        "handled": handled,
        "sent": sent,
        "delivered": delivered,
        "timers": timers,
        "nanos": nanos as u64,
        "allocations": after.0 - before.0,
        "allocatedBytes": after.1 - before.1,
    })
    .to_string())
}

/// A frame's payload with the topic before it, which is how the message that
/// the state machine takes is serialized: the crate makes its fields public to
/// nobody. That is 32 bytes more to read, and to write, than the crate has.
fn with_topic(payload: &[u8]) -> Result<Vec<u8>, Error> {
    postcard::from_bytes::<topic::Message<EndpointId>>(payload)?;
    let mut bytes = TOPIC.to_vec();
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// Encodes as the crate's send loop does: measured first, since the length goes before the payload.
fn encode(message: &Message<EndpointId>, buffer: &mut [u8]) -> postcard::Result<()> {
    let size = postcard::experimental::serialized_size(message)?;
    buffer[..4].copy_from_slice(&(size as u32).to_be_bytes());
    black_box(postcard::to_slice(message, &mut buffer[4..])?);
    Ok(())
}

struct Machine {
    state: State<EndpointId, StdRng>,
    timers: TimerMap<Timer<EndpointId>>,
    totals: Totals,
    /// Where what is sent is encoded, if it is.
    buffer: Option<Vec<u8>>,
}

impl Machine {
    fn new(me: EndpointId, encodes: bool) -> Self {
        Self {
            buffer: encodes.then(|| vec![0; 1 << 16]),
            state: State::new(
                me,
                PeerData::default(),
                Config::default(),
                StdRng::seed_from_u64(1),
            ),
            timers: TimerMap::default(),
            totals: Totals::default(),
        }
    }

    /// Fires what is due, then hands the event in.
    fn advance(&mut self, now: Instant, event: Option<InEvent<EndpointId>>) {
        while let Some((at, timer)) = self.timers.pop_before(now) {
            self.totals.timers += 1;
            self.handle(InEvent::TimerExpired(timer), at);
        }
        if let Some(event) = event {
            self.handle(event, now);
        }
    }

    fn handle(&mut self, event: InEvent<EndpointId>, now: Instant) {
        self.totals.handled += 1;
        for effect in self.state.handle(event, now, None) {
            match effect {
                OutEvent::ScheduleTimer(delay, timer) => self.timers.insert(now + delay, timer),
                OutEvent::SendMessage(to, message) => {
                    self.totals.sent += 1;
                    if let Some(buffer) = &mut self.buffer {
                        encode(&message, buffer)
                            .expect("a message of the state machine fits the buffer");
                    }
                    black_box((to, message));
                }
                OutEvent::EmitEvent(_, topic::Event::Received(received)) => {
                    self.totals.delivered += 1;
                    black_box(received);
                }
                other => {
                    black_box(other);
                }
            }
        }
    }
}
