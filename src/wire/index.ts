/**
 * The wire format of iroh-gossip 0.101: messages, frames, stream headers and
 * peer data, without any I/O. `docs/wire-format.md` describes it byte by byte.
 *
 * @packageDocumentation
 */
export { decodeMessage, mayNamePeers } from './decode-message.ts'
export { encodeMessage, encodedSize } from './encode-message.ts'
export { MAX_TOPIC_NAME_BYTES, SUBSCRIPTIONS_TOPIC, TOPIC_TAG_BYTES, announcementHeadSize, decodeAnnouncement, encodeAnnouncement, statementSize } from './announcement.ts'
export { FRAME_LENGTH_BYTES, decodeStreamHeader, encodeFrame, encodeStreamHeader } from './frame.ts'
export { FrameDecoder } from './frame-decoder.ts'
export { MAX_PEER_DATA_BYTES, decodePeerData, encodePeerData, hasExtension } from './peer-data.ts'
export { InvalidMessageError, MessageTooLargeError } from '../errors.ts'
export type { Announcement, TopicStatement } from './announcement.ts'
export type { FrameDecoderInit } from './frame-decoder.ts'
export type { PeerData } from './peer-data.ts'
export type { SocketAddress } from './socket-address.ts'
export type * from '../proto/messages.ts'
