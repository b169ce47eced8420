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

/// Pairs that are tried before a number is added. A project that has used half of them still finds one, all but once in 2^64.
const N_PAIRS_TRIED: u64 = 64;
/// Tries after which the numbers that are drawn from double.
const N_TRIED_A_RANGE: u64 = 8;

/// An alias that nobody has, drawn by a number. The tries grow with the logarithm of what is taken: a project of ten thousand freight
/// pays little more than one of ten.
pub(super) fn choose(random: u64, taken: impl Fn(&str) -> bool) -> String {
    let pairs = (ADJECTIVES.len() * ANIMALS.len()) as u64;
    // An odd step meets every pair once, since their number is a power of two.
    let (start, step) = (random % pairs, (random >> 32) | 1);
    for i in 0_u64.. {
        let at = usize::try_from(start.wrapping_add(i.wrapping_mul(step)) % pairs).unwrap_or_default();
        let pair = format!("{}-{}", ADJECTIVES[at / ANIMALS.len()], ANIMALS[at % ANIMALS.len()]);
        let alias = match i.checked_sub(N_PAIRS_TRIED) {
            None => pair,
            Some(n) => {
                let range = 8_u64 << (n / N_TRIED_A_RANGE).min(40);
                format!("{pair}-{}", 2 + random.rotate_left(17).wrapping_add(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)) % range)
            }
        };
        if !taken(&alias) {
            return alias;
        }
    }
    unreachable!("some number is free, since finitely many aliases are taken")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    #[test]
    fn an_alias_is_free_short_and_soon_found() {
        let (mut taken, mut most) = (HashSet::new(), 0);
        for n in 0..50_000_u64 {
            let n_tries = Cell::new(0);
            let alias = choose(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), |a| {
                n_tries.set(n_tries.get() + 1);
                taken.contains(a)
            });
            most = most.max(n_tries.get());
            assert!(n > 1000 || alias.matches('-').count() == 1, "{alias} while most pairs are free");
            assert!(alias.len() <= 63 && taken.insert(alias.clone()), "{alias}");
        }
        assert!(most < 160, "{most} tries for one alias");
        assert_eq!(HashSet::from(ADJECTIVES).len() + HashSet::from(ANIMALS).len(), 128);
    }
}
