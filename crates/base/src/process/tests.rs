//! Real children of `/bin/sh`.

use super::*;

fn sh(script: &str) -> Job {
    Job::new("/bin/sh").args(["-c", script])
}

async fn stdout(job: Job) -> String {
    run(job).await.unwrap().stdout.text()
}

#[tokio::test]
async fn the_environment_is_scrubbed() {
    let env = stdout(Job::new("env").env("GIVEN", "1")).await;
    let mut names: Vec<&str> = env.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["GIVEN", "HOME", "LANG", "PATH", "TMPDIR"]);
    let home = stdout(sh("pwd; touch $HOME/x")).await;
    assert!(home.contains("seaway-child-") && !Path::new(home.trim()).exists(), "the home goes with the child: {home}");
}

#[tokio::test]
async fn reads_bytes_and_streams() {
    let big = vec![b'x'; 3 << 20];
    let output = run(Job::new("cat").stdin(big.clone())).await.unwrap();
    assert_eq!(output.stdout.whole(), Some(big.as_slice()));
    let stream = Stdin::Stream(Box::new(std::io::Cursor::new(b"flow".to_vec())));
    assert_eq!(stdout(Job { stdin: stream, ..Job::new("cat") }).await, "flow");
    assert_eq!(stdout(Job::new("true").stdin(big)).await, "", "a child need not read");
}

#[tokio::test]
async fn output_is_bounded_and_says_so() {
    let limits = Limits { stdout_bytes: 4, ..Limits::default() };
    let output = run(Job { limits, ..sh("printf 0123456789") }).await.unwrap();
    assert_eq!((output.stdout.whole(), output.stdout.text().as_str()), (None, "[6 bytes cut]\n6789"));
}

#[tokio::test]
async fn failures_are_told_apart() {
    let err = run(sh("echo bad luck >&2; exit 3")).await.unwrap_err();
    assert_eq!(err.to_string(), "`sh` failed with exit code 3: bad luck");
    assert!(run(Job { ok_codes: vec![3], ..sh("exit 3") }).await.is_ok_and(|output| output.code == 3));
    let err = run(sh("kill -TERM $$")).await.unwrap_err();
    assert!(matches!(err, ProcessError::Killed { signal: 15, .. }), "{err:?}");
    let hint = "install it from example.com".to_owned();
    let err = run(Job { hint, ..Job::new("no-such-tool") }).await.unwrap_err();
    assert_eq!(err.to_string(), "`no-such-tool` was not found: install it from example.com");
    assert_eq!(err.next(), Next::Blocked);
}

/// Is a process of this id alive (and not just waiting to be reaped)?
fn alive(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(pid: &str) {
    assert!(!pid.is_empty(), "the child did not come to tell its id");
    let end = tokio::time::Instant::now() + Duration::from_secs(5);
    while alive(pid) {
        assert!(tokio::time::Instant::now() < end, "process {pid} lives on");
        tokio::task::yield_now().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_outlives_a_timeout_a_drop_or_the_leader() {
    let dir = tempfile::tempdir().unwrap();
    let pid_of = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default().trim().to_owned();
    let script = |name: &str, then: &str| sh(&format!("sleep 600 & echo $! > {}; {then}", dir.path().join(name).display()));

    let limits = Limits { time: Duration::from_millis(1500), ..Limits::default() };
    let err = run(Job { limits, ..script("timeout", "wait") }).await.unwrap_err();
    assert!(matches!(err, ProcessError::TimedOut { .. }), "{err:?}");
    gone(&pid_of("timeout")).await;

    run(script("leader", "true")).await.unwrap();
    gone(&pid_of("leader")).await;

    let running = tokio::spawn(run(script("drop", "wait")));
    while pid_of("drop").is_empty() {
        tokio::task::yield_now().await;
    }
    running.abort();
    let _ = running.await;
    gone(&pid_of("drop")).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_is_limited() {
    let limits = Limits { memory_bytes: Some(64 << 20), ..Limits::default() };
    let wait_then = "read line; ulimit -v";
    let output = run(Job { limits, stdin: Stdin::Stream(Box::new(Late::default())), ..sh(wait_then) }).await.unwrap();
    assert_eq!(output.stdout.text().trim(), "65536");
}

/// One line that comes only after the reader has yielded once.
#[derive(Default)]
struct Late(u8);

impl AsyncRead for Late {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        self.0 += 1;
        match self.0 {
            1 => {
                context.waker().wake_by_ref();
                return std::task::Poll::Pending;
            }
            2 => buffer.put_slice(b"go\n"),
            _ => {}
        }
        std::task::Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn the_network_can_be_taken_away() {
    if !isolation_available().await {
        let err = run(Job { network: Network::Take, ..Job::new("true") }).await.unwrap_err();
        assert!(matches!(err, ProcessError::NoIsolation { .. }));
        eprintln!("not run: this kernel has no user namespaces");
        return;
    }
    let count = "wc -l < /proc/net/route";
    let output = run(Job { network: Network::Take, ..sh(count) }).await.unwrap();
    assert!(output.offline && output.stdout.text().trim().parse::<u32>().unwrap() <= 1);
    let err = run(Job { network: Network::Take, ..Job::new("no-such-tool") }).await.unwrap_err();
    assert!(matches!(err, ProcessError::NotFound { .. }), "{err:?}");
}
