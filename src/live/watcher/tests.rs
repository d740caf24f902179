//! A watcher on a disk that does not answer.

use std::ops::Range;
use std::sync::atomic::AtomicUsize;
use std::time::SystemTime;

use super::*;
use crate::format::{FormatError, split};
use crate::live::LiveState;

/// The questions this disk answers only when told to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Question {
    Listing,
    Times,
    Opening,
}

struct StuckDisk {
    stuck_at: Question,
    num_asked: AtomicUsize,
    num_times: AtomicUsize,
    answer: Receiver<()>,
    next: Mutex<Option<Arc<SplitSource>>>,
}

impl StuckDisk {
    fn ask(&self, question: Question) {
        if question == self.stuck_at {
            self.num_asked.fetch_add(1, Ordering::SeqCst);
            let _ = self.answer.recv();
        }
    }
}

impl Disk for StuckDisk {
    fn open(&self, location: &Location, _: &OpenOptions) -> Result<Option<Arc<SplitSource>>, FormatError> {
        self.ask(Question::Opening);
        self.next.lock().take().map(Some).ok_or_else(|| FormatError::absent(location, "nothing here"))
    }

    fn refresh(&self, _: &SplitSource, _: &[PathBuf]) -> Result<Refresh, FormatError> {
        self.ask(Question::Listing);
        let next = self.next.lock().take();
        Ok(next.map_or(Refresh::Unchanged, |source| Refresh::Changed { source, stale: vec![0..1] }))
    }

    fn block_times(&self, _: &SplitSource, blocks: Range<usize>) -> Vec<Option<SystemTime>> {
        // Asked once when the watcher is made, by whoever makes it.
        if self.num_times.fetch_add(1, Ordering::SeqCst) > 0 {
            self.ask(Question::Times);
        }
        vec![None; blocks.len()]
    }

    fn folder_of(&self, location: &Location) -> PathBuf {
        location.path().unwrap().to_owned()
    }
}

fn fixture() -> (PathBuf, Arc<SplitSource>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/split/a_4d_default/data");
    let source = split::open(&path, &OpenOptions::default()).unwrap().split.unwrap();
    (path, source)
}

/// What the window does in a frame, and how long it takes.
fn frame(watcher: &Watcher) -> Duration {
    let begin = Instant::now();
    watcher.drain();
    watcher.status();
    watcher.was_live();
    watcher.mark_shown(0);
    watcher.look_now();
    begin.elapsed()
}

#[test]
fn a_disk_that_does_not_answer_keeps_no_frame_waiting() {
    for stuck_at in [Question::Listing, Question::Times, Question::Opening] {
        let (path, source) = fixture();
        let (answer, answers) = bounded(100);
        let next = Mutex::new(Some(Arc::clone(&source)));
        let (num_asked, num_times) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let disk = Arc::new(StuckDisk { stuck_at, num_asked, num_times, answer: answers, next });
        let config = WatchConfig { use_notify: false, ..WatchConfig::default() };
        let (woken, wakes) = crossbeam_channel::unbounded();
        let wake = Arc::new(move || woken.send(()).unwrap_or_default());
        let open = (stuck_at != Question::Opening).then_some(source);
        let asked = Arc::clone(&disk);
        let watcher = Watcher::on(disk, path.into(), OpenOptions::default(), open, config, wake);
        let deadline = Instant::now() + Duration::from_secs(20);
        while asked.num_asked.load(Ordering::SeqCst) == 0 {
            assert!(Instant::now() < deadline, "{stuck_at:?} was not asked");
            std::thread::sleep(Duration::from_millis(1));
        }
        // The thread hangs in the disk now.
        let slowest = (0..50).map(|_| frame(&watcher)).max().unwrap_or_default();
        assert!(slowest < Duration::from_millis(100), "{stuck_at:?}: a frame took {slowest:?}");
        // It answers at last: one change is handed over.
        answer.send(()).unwrap();
        wakes.recv_timeout(Duration::from_secs(20)).unwrap();
        let events = watcher.drain();
        assert!(matches!(events[..], [LiveEvent::Changed { .. } | LiveEvent::Opened(_)]), "{stuck_at:?}");
        // And it is given up without waiting for the next answer.
        let begin = Instant::now();
        drop(watcher);
        assert!(begin.elapsed() < Duration::from_millis(100));
    }
}

#[test]
fn what_the_disk_does_not_say_is_said_of_the_disk() {
    let (_, source) = fixture();
    let mut state = State::new(Some(source), Pace::default());
    let now = Instant::now();
    state.look_began = Some(now);
    assert_eq!(state.status(now + Duration::from_secs(2)).message, None);
    let message = state.status(now + Duration::from_secs(12)).message;
    assert_eq!(message.as_deref(), Some("the disk has not answered for 12 s"));
    state.look_began = None;
    assert_eq!(state.status(now + Duration::from_secs(20)).message, None);
    assert_eq!(state.status(now).state, LiveState::Finished);
}
