//! The end of what a child printed, and how much came before it.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;

/// What was kept of a child's output: the end, where there was more than the limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// What was kept.
    pub bytes: Vec<u8>,
    /// How many bytes before it were cut.
    pub n_cut: u64,
}

impl Captured {
    /// All that was printed; `None` if some of it was cut.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.n_cut == 0).then_some(self.bytes.as_slice())
    }

    /// As text for a person; says what was cut.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        if self.n_cut == 0 { text.into_owned() } else { format!("[{} bytes cut]\n{text}", self.n_cut) }
    }

    /// The last `max_bytes` as text, from a line's beginning where there is one; says what was cut.
    pub(super) fn tail(&self, max_bytes: usize) -> String {
        let start = self.bytes.len().saturating_sub(max_bytes);
        let line = match self.bytes[start..].iter().position(|byte| *byte == b'\n') {
            Some(at) if start > 0 && start + at + 1 < self.bytes.len() => start + at + 1,
            _ => start,
        };
        Self { bytes: self.bytes[line..].to_vec(), n_cut: self.n_cut + line as u64 }.text()
    }
}

#[derive(Default)]
struct Ring {
    bytes: VecDeque<u8>,
    n_cut: u64,
}

/// A pipe that is being read in the background.
pub(super) struct Collecting {
    ring: Arc<Mutex<Ring>>,
    task: JoinHandle<()>,
}

/// Starts to read a pipe to its end, keeping the last `max_bytes`.
pub(super) fn collect(pipe: Option<impl AsyncRead + Send + Unpin + 'static>, max_bytes: usize) -> Collecting {
    let ring = Arc::new(Mutex::new(Ring::default()));
    let shared = Arc::clone(&ring);
    let task = tokio::spawn(async move {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n) = pipe.read(&mut buffer).await {
            if n == 0 {
                break;
            }
            let mut ring = shared.lock();
            ring.bytes.extend(&buffer[..n]);
            let excess = ring.bytes.len().saturating_sub(max_bytes);
            ring.bytes.drain(..excess);
            ring.n_cut += excess as u64;
        }
    });
    Collecting { ring, task }
}

impl Collecting {
    /// What was kept, once the pipe is at its end or `patience` is.
    pub(super) async fn end(mut self, patience: Duration) -> Captured {
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
        let ring = std::mem::take(&mut *self.ring.lock());
        Captured { bytes: ring.bytes.into(), n_cut: ring.n_cut }
    }
}

impl Drop for Collecting {
    fn drop(&mut self) {
        self.task.abort();
    }
}
