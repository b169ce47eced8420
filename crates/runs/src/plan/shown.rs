//! The differences that people are shown, of plans and of what was written: masked, and bounded in size and in the time that they take.

use seaway_api::seaway::PlannedFile;
use seaway_git::{GitError, Objects};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

use crate::folder::Change;
use crate::mask::Masker;
use crate::plan::DIFF_MAX;

/// One file is compared so long.
const FILE_TIME_MAX: Duration = Duration::from_secs(1);
/// All files of a plan, or of what was written, are compared so long.
const TIME_MAX: Duration = Duration::from_secs(5);
/// The differences of so many plans are computed at once; the others wait.
static PLANS: Semaphore = Semaphore::const_new(2);

/// What is left of the bounds.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    n_bytes: usize,
    time: Duration,
}

impl Default for Room {
    fn default() -> Self {
        Self { n_bytes: DIFF_MAX, time: TIME_MAX }
    }
}

impl Room {
    /// The file with its difference. Where there is no room for it, it is left out (`false`), and so are all that follow: what would not
    /// be shown is not computed.
    pub(crate) fn show(&mut self, change: &Change, objects: &Objects, masker: &Masker) -> Result<(PlannedFile, bool), GitError> {
        let mut file = change.file();
        if self.n_bytes == 0 || self.time.is_zero() {
            return Ok((file, false));
        }
        let began = Instant::now();
        let diff = objects.unified(&change.change, self.time.min(FILE_TIME_MAX))?;
        file.binary = diff.starts_with("Binary files");
        let diff = masker.text(&diff);
        self.time = self.time.saturating_sub(began.elapsed());
        let fits = diff.len() <= self.n_bytes;
        self.n_bytes = if fits { self.n_bytes - diff.len() } else { 0 };
        if fits {
            file.diff = diff;
        }
        Ok((file, fits))
    }
}

/// Shows the files of a plan on a thread that may block. `false`: differences were left out.
pub(crate) async fn of_plan(
    changes: Vec<Change>,
    objects: Arc<Objects>,
    masker: Masker,
    mut room: Room,
) -> Result<(Vec<PlannedFile>, bool, Room), GitError> {
    let turn = PLANS.acquire().await.map_err(|err| GitError::Bug(format!("wait for the differences of a plan: {err}")))?;
    let shown = tokio::task::spawn_blocking(move || {
        // Whoever asked may be gone: the turn ends with the work.
        let _turn = turn;
        let (mut files, mut whole) = (Vec::new(), true);
        for change in &changes {
            let (file, fits) = room.show(change, &objects, &masker)?;
            whole &= fits;
            files.push(file);
        }
        Ok((files, whole, room))
    });
    shown.await.map_err(|err| GitError::Bug(format!("differences of a plan: {err}")))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use seaway_git::{Kind, Mode};

    #[test]
    fn what_has_no_room_is_left_out_and_so_is_what_follows() {
        let objects = Objects::in_memory();
        let change = |text: String| Change {
            repository: "r".into(),
            branch: "main".into(),
            change: seaway_git::Change {
                path: "f".into(),
                mode: Mode::File,
                old: None,
                new: Some(objects.put(Kind::Blob, text.into_bytes())),
            },
        };
        let (small, large) = (change("token: hunter2\n".into()), change("x\n".repeat(1000)));
        let mut masker = Masker::default();
        masker.learn(["hunter2"]);
        let shown = |room: &mut Room, change: &Change| {
            let (file, fits) = room.show(change, &objects, &masker).unwrap();
            (file.diff.len(), fits)
        };
        let mut room = Room { n_bytes: 200, time: TIME_MAX };
        let (n_bytes, fits) = shown(&mut room, &small);
        assert!(fits && n_bytes > 0 && room.n_bytes == 200 - n_bytes, "{room:?}");
        assert!(room.show(&small, &objects, &masker).unwrap().0.diff.ends_with("+token: ***\n"));
        assert_eq!([shown(&mut room, &large), shown(&mut room, &small)], [(0, false), (0, false)]);
        assert_eq!(shown(&mut Room { n_bytes: DIFF_MAX, time: Duration::ZERO }, &small), (0, false));
    }
}
