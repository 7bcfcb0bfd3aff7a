//! What a node keeps on disk, in one redb file.
