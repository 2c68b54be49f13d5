//! Contents that can be counted: an 8-byte tag, a big-endian number of 4
//! bytes, then bytes that follow from both.

use bytes::Bytes;

pub type Tag = [u8; 8];

/// The least number of bytes of a numbered content.
pub const HEADER_SIZE: usize = 12;

/// Content `number` of a tag, in at least `HEADER_SIZE` bytes.
pub fn content(tag: Tag, number: u32, size: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend_from_slice(&tag);
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.resize(size.max(HEADER_SIZE), 0);
    for (i, byte) in bytes.iter_mut().enumerate().skip(HEADER_SIZE) {
        *byte = filler(number, i);
    }
    bytes.into()
}

/// The tag and number of a content; `None` if it is not what `content` makes.
pub fn parse(content: &[u8]) -> Option<(Tag, u32)> {
    let tag = content.get(..8)?.try_into().ok()?;
    let number = u32::from_be_bytes(content.get(8..HEADER_SIZE)?.try_into().ok()?);
    let intact = |(i, byte): (usize, &u8)| *byte == filler(number, i);
    content
        .iter()
        .enumerate()
        .skip(HEADER_SIZE)
        .all(intact)
        .then_some((tag, number))
}

fn filler(number: u32, index: usize) -> u8 {
    (number as usize).wrapping_mul(31).wrapping_add(index) as u8
}
