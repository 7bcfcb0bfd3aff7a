//! Trace files: the same bytes back, and damage that is found and located.

use alloy_primitives::B256;
use assay_simulations::{
    scenario::{AdversaryKind, Scenario},
    trace::{
        Channel, End, Event, FaultClass, Header, Read, Reader, Record, Sink, TraceError, Tracer,
        Writer,
    },
};
use protocol::ids::OperatorIndex;

fn header() -> Header {
    let scenario = Scenario::parse("name = \"calm\"\noperators = 4").unwrap();
    Header::new(&scenario, 42).unwrap()
}

fn events() -> Vec<Event> {
    let at = OperatorIndex(1);
    vec![
        Event::Sent { from: Some(at), channel: Channel::Bundles, bytes: 300, copies: 3 },
        Event::Fault { class: FaultClass::Loss, at: Some(at), other: None },
        Event::Fault {
            class: FaultClass::Adversary(AdversaryKind::Copy),
            at: Some(at),
            other: None,
        },
        Event::Crashed { at, lost_writes: 2 },
        Event::Ended,
    ]
}

/// The file's bytes, its end, and where each record begins.
fn written() -> (Vec<u8>, End, Vec<usize>) {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    let mut tracer = Tracer::new(vec![&mut writer]);
    for (at_ms, event) in (7..).zip(events()) {
        tracer.step(at_ms);
        tracer.tell(event);
    }
    let end = End { records: tracer.records(), digest: tracer.digest() };
    assert_eq!(tracer.faults().of(FaultClass::Loss), 1);
    assert_eq!(tracer.faults().of(FaultClass::Adversary(AdversaryKind::Copy)), 1);
    assert_eq!(tracer.faults().of(FaultClass::Reorg), 0);
    let bytes = writer.finish(&end).unwrap();
    let head = 12 + 4 + serde_json::to_vec(&header()).unwrap().len();
    let mut starts = vec![head];
    for _ in 0..end.records {
        let at = *starts.last().unwrap();
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        starts.push(at + 4 + length as usize);
    }
    (bytes, end, starts)
}

fn read_all(bytes: &[u8]) -> Result<(Vec<Record>, End), TraceError> {
    let mut reader = Reader::new(bytes)?;
    let mut records = Vec::new();
    loop {
        match reader.read()? {
            Read::Record(record) => records.push(*record),
            Read::End(end) => return Ok((records, end)),
        }
    }
}

#[test]
fn trace_is_read_back_as_it_was_told() {
    let (bytes, end, _) = written();
    let reader = Reader::new(bytes.as_slice()).unwrap();
    assert_eq!(*reader.header(), header());
    assert_eq!(reader.header().scenario().unwrap().name, "calm");
    let (records, found) = read_all(&bytes).unwrap();
    assert_eq!(found, end);
    assert_eq!(records.iter().map(|record| record.event.clone()).collect::<Vec<_>>(), events());
    let places: Vec<(u64, u64)> = records.iter().map(|it| (it.step, it.at_ms)).collect();
    assert_eq!(places, [(1, 7), (2, 8), (3, 9), (4, 10), (5, 11)]);
}

#[test]
fn trace_cut_off_anywhere_is_refused() {
    let (bytes, _, starts) = written();
    for length in starts[0]..bytes.len() {
        let error = read_all(&bytes[..length]).unwrap_err();
        let record = starts.iter().filter(|start| **start <= length).count();
        let expected = record as u64;
        assert!(
            matches!(error, TraceError::CutOff { record, .. } if record == expected),
            "{length}: {error}"
        );
    }
    for length in 0..12 {
        assert!(matches!(read_all(&bytes[..length]), Err(TraceError::Magic)));
    }
}

#[test]
fn trace_with_any_byte_changed_is_refused() {
    let (bytes, _, _) = written();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let same =
            read_all(&changed).is_ok() && Reader::new(&changed[..]).unwrap().header() == &header();
        assert!(!same, "byte {position}");
    }
}

#[test]
fn trace_with_more_after_its_end_is_refused() {
    let (mut bytes, _, _) = written();
    bytes.push(0);
    assert!(read_all(&bytes).unwrap_err().to_string().contains("more after the end"));
}

#[test]
fn trace_of_another_version_is_told_so() {
    let mut writer = Vec::new();
    let other = Header { version: 2, ..header() };
    assay_simulations::trace::write_header(&mut writer, &other).unwrap();
    assert!(matches!(Reader::new(&writer[..]), Err(TraceError::Version(2))));
}

#[test]
fn trace_with_a_frame_beyond_the_bound_is_refused_unread() {
    let (bytes, _, starts) = written();
    let mut changed = bytes[..starts[0]].to_vec();
    changed.extend(u32::MAX.to_le_bytes());
    assert!(read_all(&changed).unwrap_err().to_string().contains("the most is"));
}

#[test]
fn digest_depends_on_every_part_of_a_record() {
    let digest = |step_ms: u64, bytes: u32| -> B256 {
        let mut tracer = Tracer::new(Vec::new());
        tracer.step(step_ms);
        tracer.tell(Event::Sent { from: None, channel: Channel::Answers, bytes, copies: 1 });
        tracer.digest()
    };
    assert_eq!(digest(1, 2), digest(1, 2));
    assert_ne!(digest(1, 2), digest(2, 2));
    assert_ne!(digest(1, 2), digest(1, 3));
}

/// Ends the run after its second record.
#[derive(Default)]
struct Two(u32);

impl Sink for Two {
    fn take(&mut self, _record: &Record, _bytes: &[u8]) {
        self.0 += 1;
    }

    fn is_done(&self) -> bool {
        self.0 >= 2
    }
}

#[test]
fn tracer_is_done_when_a_sink_is() {
    let mut two = Two::default();
    let mut tracer = Tracer::new(vec![&mut two]);
    tracer.tell(Event::Healed);
    assert!(!tracer.is_done());
    tracer.tell(Event::Healed);
    assert!(tracer.is_done());
}
