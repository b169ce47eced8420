//! Which freight a stage would take next from one origin (reference §3.3).

use super::availability::{Availability, of_request};
use super::own_name;
use jiff::Timestamp;
use seaway_api::kargo::{AutoPromotionSelectionPolicy, Freight, FreightRequest};

/// The freight of one origin, as one stage sees it: newest first.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    /// Each piece with what keeps it away, or lets it in.
    pub freight: Vec<(&'a Freight, Availability)>,
    /// The next instant at which time alone lets one in.
    pub next_change: Option<Timestamp>,
}

impl<'a> Listing<'a> {
    /// What may go in now, newest first.
    pub fn available(&self) -> impl Iterator<Item = &'a Freight> + '_ {
        self.freight.iter().filter(|(_, a)| a.is_available()).map(|(f, _)| *f)
    }

    /// The newest that could go in after some time, if it is newer than whatever may go in now.
    pub fn soaking(&self) -> Option<(&'a Freight, &Availability)> {
        let first = self.freight.iter().find(|(_, a)| a.is_available() || matches!(a, Availability::Soaking { .. }))?;
        (!first.1.is_available()).then_some((first.0, &first.1))
    }
}

/// The freight a stage would take next.
#[derive(Debug, Clone)]
pub enum Candidate<'a> {
    /// This one.
    One(&'a Freight),
    /// Nothing is available.
    None,
    /// Upstream is just changing from one to the other; the next look will tell.
    Ambiguous(Vec<&'a Freight>),
}

impl<'a> Candidate<'a> {
    /// The one, if there is one.
    pub fn one(&self) -> Option<&'a Freight> {
        match self {
            Self::One(freight) => Some(freight),
            _ => None,
        }
    }
}

/// The freight of the request's origin with its availability, newest first.
pub fn list<'a>(
    freight: impl IntoIterator<Item = &'a Freight>,
    stage: &str,
    request: &FreightRequest,
    now: Timestamp,
    passes_on: &dyn Fn(&str) -> bool,
) -> Listing<'a> {
    let own: Vec<&Freight> = freight.into_iter().filter(|f| f.origin == request.origin).collect();
    let freight: Vec<_> = newest_first(own).into_iter().map(|f| (f, of_request(f, stage, request, now, passes_on))).collect();
    let next_change = freight.iter().filter_map(|(_, a)| a.next_change()).min();
    Listing { freight, next_change }
}

/// By `discoveredAt`, newest first; of two found together the larger name.
pub fn newest_first(mut freight: Vec<&Freight>) -> Vec<&Freight> {
    freight.sort_by(|a, b| b.found_at().cmp(&a.found_at()).then_with(|| own_name(b).cmp(own_name(a))));
    freight
}

/// The candidate out of a listing, by the request's selection policy.
pub fn candidate<'a>(listing: &Listing<'a>, request: &FreightRequest) -> Candidate<'a> {
    let policy = request.sources.auto_promotion_options.as_ref().map(|o| &o.selection_policy);
    if policy != Some(&AutoPromotionSelectionPolicy::MatchUpstream) {
        return listing.available().next().map_or(Candidate::None, Candidate::One);
    }
    let there = |f: &&Freight| {
        let status = f.status.as_ref();
        request.sources.stages.iter().any(|s| status.is_some_and(|status| status.currently_in.contains_key(s)))
    };
    let matching: Vec<_> = listing.available().filter(there).collect();
    match matching[..] {
        [] => Candidate::None,
        [one] => Candidate::One(one),
        _ => Candidate::Ambiguous(matching),
    }
}
