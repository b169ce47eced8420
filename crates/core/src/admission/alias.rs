//! Friendly names for freight: an adjective and an animal.

const ADJECTIVES: [&str; 64] = [
    "able", "amber", "ample", "arctic", "azure", "bold", "brave", "breezy", "bright", "brisk", "calm", "candid", "cheerful",
    "civil", "clever", "coastal", "crisp", "daring", "deft", "dusky", "eager", "early", "earnest", "fair", "fleet", "frank",
    "gentle", "glad", "golden", "hardy", "hasty", "humble", "jolly", "keen", "kind", "level", "lively", "lucid", "lucky",
    "mellow", "merry", "misty", "modest", "nimble", "noble", "northern", "patient", "placid", "plucky", "proud", "quiet",
    "rapid", "ready", "silver", "sober", "spry", "steady", "sturdy", "sunny", "tidal", "tidy", "vivid", "wary", "witty",
];

const ANIMALS: [&str; 64] = [
    "albatross",
    "auk",
    "avocet",
    "badger",
    "beaver",
    "beluga",
    "bison",
    "bittern",
    "carp",
    "cod",
    "coot",
    "cormorant",
    "crane",
    "curlew",
    "dolphin",
    "dunlin",
    "eel",
    "egret",
    "eider",
    "gannet",
    "goose",
    "grebe",
    "grouse",
    "gull",
    "haddock",
    "halibut",
    "hare",
    "heron",
    "herring",
    "ibis",
    "kestrel",
    "kittiwake",
    "lamprey",
    "loon",
    "lynx",
    "mallard",
    "marten",
    "merlin",
    "mink",
    "moose",
    "mussel",
    "narwhal",
    "newt",
    "osprey",
    "otter",
    "oyster",
    "pelican",
    "perch",
    "petrel",
    "pike",
    "plover",
    "porpoise",
    "puffin",
    "raven",
    "salmon",
    "sandpiper",
    "seal",
    "shearwater",
    "skua",
    "sturgeon",
    "swan",
    "tern",
    "turnstone",
    "walrus",
];

/// An alias that nobody has: drawn by a number, and the next free one from there.
pub(super) fn choose(random: u64, taken: impl Fn(&str) -> bool) -> String {
    let pairs = (ADJECTIVES.len() * ANIMALS.len()) as u64;
    // An odd step meets every pair once, since their number is a power of two.
    let (start, step) = (random % pairs, (random >> 32) | 1);
    for round in 0_u64.. {
        for i in 0..pairs {
            let at = usize::try_from(start.wrapping_add(i.wrapping_mul(step)) % pairs).unwrap_or_default();
            let pair = format!("{}-{}", ADJECTIVES[at / ANIMALS.len()], ANIMALS[at % ANIMALS.len()]);
            let alias = if round == 0 { pair } else { format!("{pair}-{}", round + 1) };
            if !taken(&alias) {
                return alias;
            }
        }
    }
    unreachable!("some number is free, since finitely many aliases are taken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_pair_is_met_before_a_number_is_added() {
        let mut taken = HashSet::new();
        for n in 0..4100_u64 {
            let alias = choose(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), |a| taken.contains(a));
            assert_eq!(alias.matches('-').count(), if n < 4096 { 1 } else { 2 }, "{alias}");
            taken.insert(alias);
        }
        assert_eq!(HashSet::from(ADJECTIVES).len() + HashSet::from(ANIMALS).len(), 128);
    }
}
