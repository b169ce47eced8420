//! Packet lines, the frames of git's protocols (gitprotocol-common, section pkt-line Format).

use crate::error::TransportError;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;

/// The largest payload of one packet.
pub(crate) const PAYLOAD_MAX: usize = 65_516;

/// One packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// `0000`
    Flush,
    /// `0001`
    Delimiter,
    /// `0002`
    End,
    /// A payload, with its newline if it has one.
    Data(Bytes),
}

/// Why packets could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Transport(TransportError),
    Malformed(String),
    Ended,
}

/// Appends a packet.
pub(crate) fn push(out: &mut Vec<u8>, payload: impl AsRef<[u8]>) {
    let payload = payload.as_ref();
    debug_assert!(payload.len() <= PAYLOAD_MAX);
    out.extend_from_slice(format!("{:04x}", payload.len() + 4).as_bytes());
    out.extend_from_slice(payload);
}

/// Appends `0000`.
pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends `0001`.
pub(crate) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// Reads packets off a body as it arrives; never holds more than one packet and one chunk.
pub(crate) struct Reader {
    body: BoxStream<'static, Result<Bytes, TransportError>>,
    buffer: BytesMut,
}

impl Reader {
    pub(crate) fn new(body: BoxStream<'static, Result<Bytes, TransportError>>) -> Self {
        Self { body, buffer: BytesMut::new() }
    }

    async fn fill(&mut self, n: usize) -> Result<(), ReadError> {
        while self.buffer.len() < n {
            match self.body.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                Some(Err(err)) => return Err(ReadError::Transport(err)),
                None => return Err(ReadError::Ended),
            }
        }
        Ok(())
    }

    /// The next packet; `None` at a clean end of the body.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, ReadError> {
        match self.fill(4).await {
            Ok(()) => {}
            Err(ReadError::Ended) if self.buffer.is_empty() => return Ok(None),
            Err(err) => return Err(err),
        }
        let length = std::str::from_utf8(&self.buffer[..4])
            .ok()
            .and_then(|text| usize::from_str_radix(text, 16).ok())
            .ok_or_else(|| ReadError::Malformed(format!("`{}` is no packet length", self.buffer[..4].escape_ascii())))?;
        let packet = match length {
            0 => Packet::Flush,
            1 => Packet::Delimiter,
            2 => Packet::End,
            3 => return Err(ReadError::Malformed("packet of length 3".into())),
            _ => {
                self.fill(length).await?;
                self.buffer.advance(4);
                return Ok(Some(Packet::Data(self.buffer.split_to(length - 4).freeze())));
            }
        };
        self.buffer.advance(4);
        Ok(Some(packet))
    }

    /// The next packet where the protocol demands one.
    pub(crate) async fn expect(&mut self) -> Result<Packet, ReadError> {
        self.next().await?.ok_or(ReadError::Ended)
    }
}

/// A payload as text, without its newline.
pub(crate) fn text(payload: &[u8]) -> String {
    let payload = payload.strip_suffix(b"\n").unwrap_or(payload);
    String::from_utf8_lossy(payload).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(chunks: &[&'static str], expected: &[Packet]) {
        let body = futures::stream::iter(chunks.iter().map(|it| Ok(Bytes::from_static(it.as_bytes()))).collect::<Vec<_>>());
        let mut reader = Reader::new(body.boxed());
        let mut found = Vec::new();
        while let Ok(Some(packet)) = reader.next().await {
            found.push(packet);
        }
        assert_eq!(found, expected, "{chunks:?}");
    }

    #[tokio::test]
    async fn packets_are_read_however_the_body_is_cut() {
        let hello = Packet::Data(Bytes::from_static(b"hello\n"));
        check(&["000ahello\n0000"], &[hello.clone(), Packet::Flush]).await;
        check(&["00", "0ahe", "llo\n00", "01"], &[hello.clone(), Packet::Delimiter]).await;
        check(&["000ahello\n00"], std::slice::from_ref(&hello)).await;
        check(&["zzzz"], &[]).await;
    }

    #[test]
    fn packets_are_written() {
        let mut out = Vec::new();
        push(&mut out, "done\n");
        flush(&mut out);
        assert_eq!(out, b"0009done\n0000");
    }
}
