//! The file with the inputs: events, one after the other.
//!
//! Each is a kind (u8: 0 a message is received, 1 our own broadcast), the
//! index of the sender (u8), the time in milliseconds (u32) and the number of
//! bytes that follow (u32), all big-endian; then the payload of the frame, or
//! the content of the broadcast. 32 bytes before the first event are our id,
//! then come the number of peers (u8) and their ids, 32 bytes each.

use iroh::EndpointId;

use crate::Error;

pub struct Trace {
    pub me: EndpointId,
    pub events: Vec<Event>,
}

pub struct Event {
    pub at: u64,
    pub input: Input,
}

pub enum Input {
    Received { from: EndpointId, payload: Vec<u8> },
    Broadcast { content: Vec<u8> },
}

impl Trace {
    pub fn read(path: &str) -> Result<Self, Error> {
        let file = std::fs::read(path)?;
        let mut bytes = file.as_slice();
        let me = id(&mut bytes)?;
        let peers = (0..u8(&mut bytes)?)
            .map(|_| id(&mut bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let kind = u8(&mut bytes)?;
            let from = u8(&mut bytes)?;
            let at = u32(&mut bytes)?.into();
            let size = u32(&mut bytes)? as usize;
            let payload = take(&mut bytes, size)?.to_vec();
            let input = match kind {
                0 => Input::Received {
                    from: *peers.get(usize::from(from)).ok_or("no such peer")?,
                    payload,
                },
                1 => Input::Broadcast { content: payload },
                _ => return Err("no such kind of event".into()),
            };
            events.push(Event { at, input });
        }
        Ok(Self { me, events })
    }
}

fn take<'a>(bytes: &mut &'a [u8], size: usize) -> Result<&'a [u8], Error> {
    let (head, tail) = bytes.split_at_checked(size).ok_or("the file is too short")?;
    *bytes = tail;
    Ok(head)
}

fn u8(bytes: &mut &[u8]) -> Result<u8, Error> {
    Ok(take(bytes, 1)?[0])
}

fn u32(bytes: &mut &[u8]) -> Result<u32, Error> {
    Ok(u32::from_be_bytes(take(bytes, 4)?.try_into()?))
}

fn id(bytes: &mut &[u8]) -> Result<EndpointId, Error> {
    Ok(EndpointId::from_bytes(&take(bytes, 32)?.try_into()?)?)
}
