//! Server-sent events, as far as the nodes' stream needs them.

use thiserror::Error;

/// The longest event: a challenge with the longest statement in hex fits.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;

/// An event that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stream sends an event of more than {MAX_EVENT_BYTES} bytes")]
pub struct SseError;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; `message` when the stream gives none.
    pub name: String,
    /// Its data, lines joined.
    pub data: Vec<u8>,
}

/// Cuts a byte stream into events, whatever the pieces it comes in.
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    name: Option<String>,
    data: Vec<u8>,
    has_data: bool,
    after_carriage_return: bool,
}

impl SseParser {
    /// A parser at the stream's start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes, and returns the events that they complete.
    ///
    /// # Errors
    /// On an event that is too long; the stream is of no more use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, SseError> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_carriage_return = std::mem::take(&mut self.after_carriage_return);
            match byte {
                b'\n' if after_carriage_return => (),
                b'\n' => events.extend(self.end_line()),
                b'\r' => {
                    self.after_carriage_return = true;
                    events.extend(self.end_line());
                }
                _ if self.line.len() + self.data.len() >= MAX_EVENT_BYTES => return Err(SseError),
                other => self.line.push(*other),
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            let (name, data) = (self.name.take(), std::mem::take(&mut self.data));
            let whole = std::mem::take(&mut self.has_data);
            return whole
                .then(|| SseEvent { name: name.unwrap_or_else(|| "message".into()), data });
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, rest) = line.split_at(colon);
        let value = rest.strip_prefix(b":").unwrap_or(rest);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            // Comments, ids and retry times.
            _ => (),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> SseEvent {
        SseEvent { name: name.into(), data: data.into() }
    }

    #[test]
    fn stream_in_any_pieces_gives_the_same_events() {
        let stream = b": keep\n\nevent: challenge\ndata: {\"a\":\ndata:1}\nid: 7\n\r\ndata\n\n\
                       event: only-a-name\n\ndata: last\r\r";
        let expected =
            [event("challenge", "{\"a\":\n1}"), event("message", ""), event("message", "last")];
        for size in 1..stream.len() {
            let mut parser = SseParser::new();
            let events: Vec<_> =
                stream.chunks(size).flat_map(|piece| parser.push(piece).unwrap()).collect();
            assert_eq!(events, expected, "pieces of {size}");
        }
    }

    #[test]
    fn event_without_an_end_is_refused_at_the_bound() {
        let mut parser = SseParser::new();
        let line = format!("data: {}\n", "x".repeat(1000));
        let pushed = (0..1000).try_for_each(|_| parser.push(line.as_bytes()).map(|_| ()));
        assert_eq!(pushed, Err(SseError));
    }
}
