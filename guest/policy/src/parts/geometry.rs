//! The numbers of cells. What their meaning depends on is the upper 24 bits of a field, so a policy
//! that means something else by them finds nothing there.

/// The field of this geometry, as yet without a role.
pub(crate) fn field(text: &str) -> u32 {
    fnv1a(text.as_bytes()) << 8
}

/// FNV-1a, 32 bits (Fowler, Noll, Vo), folded to 24 as its authors advise.
fn fnv1a(bytes: &[u8]) -> u32 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (hash >> 24) ^ (hash & 0x00ff_ffff)
}
