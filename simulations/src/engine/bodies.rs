//! Bodies of the height under way.

use std::collections::BTreeMap;

use bytes::Bytes;
use consensus::BlockId;

/// Most bodies kept for one height.
const BODIES_MAX: usize = 64;

/// What is known of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not judged since the start.
    Unknown,
    /// May be decided.
    Valid,
    /// May not.
    Invalid,
}

/// One body.
#[derive(Clone, Debug)]
pub struct Body {
    /// The round it was first heard of in.
    pub round: u32,
    /// Its bytes.
    pub bytes: Bytes,
    /// What is known of it.
    pub verdict: Verdict,
    /// Whether this node proposed it.
    pub own: bool,
}

/// The bodies of one height, by id.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    height: u64,
    bodies: BTreeMap<BlockId, Body>,
    /// What this node proposed, by round.
    own: BTreeMap<u32, BlockId>,
}

impl Bodies {
    /// The height whose bodies these are.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Moves on to a height; forgets the bodies of others.
    pub fn start(&mut self, height: u64) {
        if height != self.height {
            *self = Self { height, ..Self::default() };
        }
    }

    /// What a restart finds: bodies of other heights are gone, and none is judged.
    pub fn recalled(mut self, height: u64) -> Self {
        self.start(height);
        for body in self.bodies.values_mut() {
            body.verdict = Verdict::Unknown;
        }
        self
    }

    /// Keeps a body; false if there is no room for it.
    pub fn keep(&mut self, height: u64, id: BlockId, body: Body) -> bool {
        if height != self.height {
            return false;
        }
        let room = self.bodies.len() < BODIES_MAX;
        if body.own && room {
            self.own.insert(body.round, id);
        }
        if let Some(known) = self.bodies.get_mut(&id) {
            known.verdict = body.verdict;
            return true;
        }
        if room {
            self.bodies.insert(id, body);
        }
        room
    }

    /// A body.
    pub fn get(&self, id: &BlockId) -> Option<&Body> {
        self.bodies.get(id)
    }

    /// What this node proposed in a round.
    pub fn own(&self, round: u32) -> Option<(BlockId, &Body)> {
        let id = self.own.get(&round)?;
        self.bodies.get(id).map(|body| (*id, body))
    }

    /// Bodies that are not judged.
    pub fn unjudged(&self) -> Vec<(BlockId, Body)> {
        let unjudged = self.bodies.iter().filter(|(_, body)| body.verdict == Verdict::Unknown);
        unjudged.map(|(id, body)| (*id, body.clone())).collect()
    }
}
