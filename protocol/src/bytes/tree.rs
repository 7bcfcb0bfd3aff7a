//! Positional Merkle trees: `node = (NODE, left, right)`, an odd node is promoted unchanged.

use alloy_primitives::B256;

use super::{Preimage, Tag};

/// The deepest tree that a hub or a verifier walks: 2^10 leaves.
pub const MAX_TREE_DEPTH: usize = 10;

/// A tree with all its levels, to make paths from.
#[derive(Clone, Debug)]
pub struct MerkleTree {
    levels: Vec<Vec<B256>>,
}

fn node(left: B256, right: B256) -> B256 {
    Preimage::new(Tag::Node).word(left).word(right).hash()
}

fn parent_level(level: &[B256]) -> Vec<B256> {
    level
        .chunks(2)
        .map(|pair| match pair {
            [left, right] => node(*left, *right),
            rest => rest.first().copied().unwrap_or_default(),
        })
        .collect()
}

impl MerkleTree {
    /// The tree over `leaves`, in their order.
    pub fn new(leaves: Vec<B256>) -> Self {
        let mut levels = vec![leaves];
        while let Some(last) = levels.last() {
            if last.len() <= 1 {
                break;
            }
            let parent = parent_level(last);
            levels.push(parent);
        }
        Self { levels }
    }

    /// The root; zero for a tree without leaves.
    pub fn root(&self) -> B256 {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// The siblings from leaf `position` upward; none where the node was promoted.
    pub fn path(&self, position: usize) -> Option<Vec<B256>> {
        self.levels.first()?.get(position)?;
        let mut at = position;
        let mut path = Vec::new();
        for level in &self.levels {
            if let Some(sibling) = level.get(at ^ 1) {
                path.push(*sibling);
            }
            at /= 2;
        }
        Some(path)
    }
}

/// The root over `leaves`; zero when there are none.
pub fn merkle_root(leaves: &[B256]) -> B256 {
    MerkleTree::new(leaves.to_vec()).root()
}

/// Whether `leaf` is at `position` of the `count` leaves under `root`.
///
/// A path has exactly one sibling for each level where the node was not promoted.
pub fn verify_merkle_path(
    root: B256,
    leaf: B256,
    position: usize,
    count: usize,
    path: &[B256],
) -> bool {
    if position >= count || count > 1 << MAX_TREE_DEPTH {
        return false;
    }
    let (mut at, mut width, mut hash) = (position, count, leaf);
    let mut siblings = path.iter();
    while width > 1 {
        let promoted = at == width - 1 && width % 2 == 1;
        if !promoted {
            let Some(sibling) = siblings.next() else { return false };
            hash = if at.is_multiple_of(2) { node(hash, *sibling) } else { node(*sibling, hash) };
        }
        at /= 2;
        width = width.div_ceil(2);
    }
    siblings.next().is_none() && hash == root
}
