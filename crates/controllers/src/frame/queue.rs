//! A queue of keys: each stands in it once, is handed to one worker at a time, and may be due later.

use super::Key;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A queue of keys. Adding a key that waits already changes nothing; one that is being worked on comes again afterwards.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Key>,
    waiting: HashSet<Key>,
    working: HashSet<Key>,
    again: HashSet<Key>,
    later: BTreeSet<(Instant, Key)>,
    due: HashMap<Key, Instant>,
    /// How many keys of one project are worked on at one time; `None` for any number.
    share: Option<usize>,
    closed: bool,
}

impl State {
    /// Takes the first key whose project has a place left.
    fn pop(&mut self) -> Option<Key> {
        let at = match self.share {
            None => 0,
            Some(share) => {
                let n_working = |key: &Key| self.working.iter().filter(|it| it.project == key.project).count();
                // What belongs to no project shares with nobody.
                self.ready.iter().position(|key| key.project.is_empty() || n_working(key) < share)?
            }
        };
        let key = self.ready.remove(at)?;
        self.waiting.remove(&key);
        self.working.insert(key.clone());
        Some(key)
    }

    fn push(&mut self, key: Key) {
        if self.working.contains(&key) {
            self.again.insert(key);
        } else if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Moves what is due, and says when the next one is.
    fn wake(&mut self, now: Instant) -> Option<Instant> {
        while let Some((at, _)) = self.later.first() {
            if *at > now {
                return Some(*at);
            }
            if let Some((_, key)) = self.later.pop_first() {
                self.due.remove(&key);
                self.push(key);
            }
        }
        None
    }
}

impl Queue {
    /// From now on no more than so many keys of one project are worked on at one time: what hangs in one holds up no other.
    pub fn share(&self, n: usize) {
        self.state.lock().share = Some(n.max(1));
    }

    /// Hands the key to a worker as soon as one is free.
    pub fn add(&self, key: Key) {
        self.state.lock().push(key);
        self.changed.notify_one();
    }

    /// The same, not before `wait` is over. Of several instants the earliest counts.
    pub fn add_after(&self, key: Key, wait: Duration) {
        if wait.is_zero() {
            return self.add(key);
        }
        let at = Instant::now() + wait;
        let mut state = self.state.lock();
        match state.due.get(&key).copied() {
            Some(earlier) if earlier <= at => return,
            Some(later) => {
                state.later.remove(&(later, key.clone()));
            }
            None => {}
        }
        state.due.insert(key.clone(), at);
        state.later.insert((at, key));
        drop(state);
        self.changed.notify_one();
    }

    /// The next key; `None` once the queue is closed. [`Queue::done`] must follow.
    pub async fn next(&self) -> Option<Key> {
        loop {
            let notified = self.changed.notified();
            let wake_at = {
                let mut state = self.state.lock();
                if state.closed {
                    return None;
                }
                let wake_at = state.wake(Instant::now());
                if let Some(key) = state.pop() {
                    if !state.ready.is_empty() {
                        self.changed.notify_one();
                    }
                    return Some(key);
                }
                wake_at
            };
            match wake_at {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, notified).await;
                }
                None => notified.await,
            }
        }
    }

    /// The worker has finished with the key.
    pub fn done(&self, key: &Key) {
        let mut state = self.state.lock();
        state.working.remove(key);
        if state.again.remove(key) {
            state.push(key.clone());
        }
        // The place of its project may be what another key waits for.
        if !state.ready.is_empty() {
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Waits for `ready`, and no longer than the queue is open; says whether it still is.
    pub async fn open_until(&self, ready: impl Future) -> bool {
        let mut closed = self.closed.subscribe();
        tokio::select! {
            _ = ready => !*self.closed.borrow(),
            _ = closed.wait_for(|closed| *closed) => false,
        }
    }

    /// No key is handed out any more; workers end.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.closed.send_replace(true);
        self.changed.notify_waiters();
        // A worker between its look and its wait is woken by a permit of its own.
        self.changed.notify_one();
    }

    /// Is nothing waiting or being worked on? What is due later does not count.
    pub fn is_idle(&self) -> bool {
        let state = self.state.lock();
        state.ready.is_empty() && state.working.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_key_is_worked_on_once_and_comes_again_if_added_meanwhile() {
        let queue = Queue::default();
        let (a, b) = (Key::new("p", "a"), Key::new("p", "b"));
        queue.add(a.clone());
        queue.add(a.clone());
        queue.add_after(b.clone(), Duration::from_secs(5));
        queue.add_after(b.clone(), Duration::from_secs(2));
        assert_eq!(queue.next().await, Some(a.clone()));
        queue.add(a.clone());
        let before = Instant::now();
        assert_eq!(queue.next().await, Some(b.clone()));
        assert_eq!(before.elapsed().as_secs(), 2);
        queue.done(&a);
        assert_eq!(queue.next().await, Some(a.clone()));
        queue.done(&a);
        queue.done(&b);
        assert!(queue.is_idle());
        queue.close();
        assert_eq!(queue.next().await, None);
    }

    #[tokio::test]
    async fn who_waits_to_begin_is_sent_home_by_the_end() {
        let queue = Queue::default();
        assert!(queue.open_until(async {}).await);
        let (never, ()) = tokio::join!(queue.open_until(std::future::pending::<()>()), async { queue.close() });
        assert!(!never);
        assert!(!queue.open_until(async {}).await, "closed before");
    }

    #[tokio::test(start_paused = true)]
    async fn one_project_never_takes_every_place() {
        let queue = Queue::default();
        queue.share(2);
        let key = |project: &str, name: &str| Key::new(project, name);
        for name in ["a", "b", "c"] {
            queue.add(key("ill", name));
        }
        queue.add(key("well", "d"));
        let mut taken = Vec::new();
        for _ in 0..3 {
            taken.extend(queue.next().await);
        }
        assert_eq!(taken, [key("ill", "a"), key("ill", "b"), key("well", "d")]);
        assert!(tokio::time::timeout(Duration::from_secs(1), queue.next()).await.is_err());
        queue.done(&key("ill", "a"));
        assert_eq!(queue.next().await, Some(key("ill", "c")));
    }
}
