//! The slots of a Redis Cluster, in numbers.

use crate::key::EntityKey;

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;
/// How many slots in a row share a watch: nodes are given slots in long rows.
const SLOTS_OF_A_SHARD: u16 = 256;

/// The checksum of each byte: CRC-16, XMODEM.
const SUMS: [u16; 256] = sums();

const fn sums() -> [u16; 256] {
    let mut sums = [0; 256];
    let mut byte = 0;
    while byte < 256_u16 {
        let (mut sum, mut bit) = (byte << 8, 0);
        while bit < 8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { sum << 1 ^ 0x1021 };
            bit += 1;
        }
        sums[byte as usize] = sum;
        byte += 1;
    }
    sums
}

/// The slot of a tag.
fn slot(tag: &str) -> u16 {
    let sum = tag.bytes().fold(0_u16, |sum, byte| sum << 8 ^ SUMS[usize::from((sum >> 8) as u8 ^ byte)]);
    sum % SLOTS
}

/// The shard of an entity: the row of slots that it is in.
pub(super) fn shard(entity: &EntityKey) -> u32 {
    u32::from(slot(entity.tag()) / SLOTS_OF_A_SHARD)
}

#[cfg(test)]
mod tests {
    use redis::cluster_routing::Slot;

    use super::*;

    #[test]
    fn a_slot_has_the_number_that_the_cluster_gives_it() {
        for tag in ["", "a", "123456789", "rl:api:user%2042", "cb:payments:", "sg:probe:7"] {
            assert_eq!(Slot::new(slot(tag)), Some(Slot::for_key(tag)), "{tag}");
        }
    }

    #[test]
    fn every_shard_is_found_by_some_name() {
        let names = (0..16_384).map(|number| EntityKey::new("sg", "probe", &number.to_string()));
        let shards: std::collections::BTreeSet<u32> = names.map(|name| shard(&name)).collect();
        assert_eq!(shards.len(), 64);
    }
}
