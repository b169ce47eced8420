//! Things that go wrong on request, so that clients can be tested against them.

use parking_lot::Mutex;

/// Which half of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Clone and fetch.
    Upload,
    /// Push.
    Receive,
}

/// What goes wrong. All but `Status` spare the ref advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done and no answer comes.
    Hang,
    /// It is done, but no answer comes.
    HangAnswer,
    /// It is done, but the connection breaks after that many bytes of the answer.
    CutAnswer {
        /// How many bytes still come through.
        after_bytes: usize,
    },
    /// A push to this ref (`refs/heads/main`) is refused, as a protected branch would be.
    RefuseRef {
        /// The full name of the ref.
        name: String,
    },
    /// Nothing is done and this HTTP status is the answer, to the ref advertisement too.
    Status(u16),
}

#[derive(Debug)]
struct Planned {
    service: Service,
    fault: Fault,
    times: u32,
}

/// The faults still to come, oldest first.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Planned>>);

impl Faults {
    pub(super) fn add(&self, service: Service, fault: Fault, times: u32) {
        self.0.lock().push(Planned { service, fault, times });
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }

    /// The fault that this request meets; it is used up.
    pub(super) fn take(&self, service: Service, advertisement: bool) -> Option<Fault> {
        let mut planned = self.0.lock();
        let fits = |plan: &Planned| plan.service == service && (!advertisement || matches!(plan.fault, Fault::Status(_)));
        let at = planned.iter().position(fits)?;
        planned[at].times = planned[at].times.saturating_sub(1);
        let fault = planned[at].fault.clone();
        if planned[at].times == 0 {
            planned.remove(at);
        }
        Some(fault)
    }
}
