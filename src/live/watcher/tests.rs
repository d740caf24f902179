//! A watcher on a disk that does not answer.

use super::*;
use crate::format::memory::{MemorySource, Question, Tape};
use crate::live::LiveState;
use crate::volume::{Axis, DType, Shape, Span};

fn array(num_t: usize, first: u8) -> MemorySource {
    let shape = Shape::from([num_t, 3, 4]);
    MemorySource::from_fn(DType::U8, shape, "tyx", &[1, 3, 4], |index| first + index[0] as u8).unwrap()
}

/// What a test's watcher may be stuck in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stuck {
    Opening,
    Asking(Question),
}

fn quick() -> WatchConfig {
    WatchConfig { use_notify: false, poll: Duration::from_millis(5), ..WatchConfig::default() }
}

/// A watcher of a tape, and what tells that it has something to say.
fn follow(tape: &Arc<Tape>) -> (Watcher, Receiver<()>) {
    let (woken, wakes) = crossbeam_channel::unbounded();
    let wake = Arc::new(move || woken.send(()).unwrap_or_default());
    (Watcher::start("memory", OpenOptions::default(), Some(tape.source()), quick(), wake), wakes)
}

/// What comes next of the data.
fn next(watcher: &Watcher, wakes: &Receiver<()>) -> LiveEvent {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        assert!(Instant::now() < deadline, "nothing came: {:?}", watcher.status());
        let _late = wakes.recv_timeout(Duration::from_millis(100));
        let news = watcher.drain().into_iter().find(|event| !matches!(event, LiveEvent::Status));
        if let Some(news) = news {
            return news;
        }
    }
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
    for stuck_in in [Stuck::Asking(Question::Refresh), Stuck::Asking(Question::Times), Stuck::Opening] {
        let tape = Tape::begin(array(2, 0), 1);
        let (woken, wakes) = crossbeam_channel::unbounded();
        let wake = Arc::new(move || woken.send(()).unwrap_or_default());
        let (answer, answers) = bounded(1);
        let (asked, asks) = crossbeam_channel::unbounded();
        let (begun, open_tape) = (tape.source(), Arc::clone(&tape));
        let open = move || {
            let _ = asked.send(());
            let _ = answers.recv();
            Ok(Some(open_tape.source()))
        };
        let source = (stuck_in != Stuck::Opening).then_some(begun);
        let watcher = Watcher::with(Box::new(open), "memory".into(), source, quick(), wake);
        if let Stuck::Asking(question) = stuck_in {
            tape.hold(question);
            tape.extend(array(3, 0), &[]);
            assert!(tape.wait_until_asked(Duration::from_secs(20)), "{question:?} was not asked");
        } else {
            asks.recv_timeout(Duration::from_secs(20)).unwrap();
        }
        // The thread hangs in the disk now.
        let slowest = (0..50).map(|_| frame(&watcher)).max().unwrap_or_default();
        assert!(slowest < Duration::from_millis(100), "{stuck_in:?}: a frame took {slowest:?}");
        // It answers at last: one change is handed over.
        answer.send(()).unwrap();
        tape.let_go();
        assert!(matches!(next(&watcher, &wakes), LiveEvent::Changed { .. } | LiveEvent::Opened(_)), "{stuck_in:?}");
        // And it is given up without waiting for the next answer.
        if let Stuck::Asking(question) = stuck_in {
            tape.hold(question);
        }
        let begin = Instant::now();
        drop(watcher);
        assert!(begin.elapsed() < Duration::from_millis(100));
        tape.let_go();
    }
}

#[test]
fn what_the_disk_does_not_say_is_said_of_the_disk() {
    let tape = Tape::begin(array(2, 0), 1);
    tape.finish();
    let mut state = State::new(Some(tape.source()), Pace::default());
    let now = Instant::now();
    state.look_began = Some(now);
    assert_eq!(state.status(now + Duration::from_secs(2)).message, None);
    let message = state.status(now + Duration::from_secs(12)).message;
    assert_eq!(message.as_deref(), Some("the disk has not answered for 12 s"));
    state.look_began = None;
    assert_eq!(state.status(now + Duration::from_secs(20)).message, None);
    assert_eq!(state.status(now).state, LiveState::Finished);
}

#[test]
fn what_is_no_folder_of_blocks_is_followed_to_its_end_and_beyond() {
    let tape = Tape::begin(array(2, 0), 2);
    let (watcher, wakes) = follow(&tape);
    assert_eq!(watcher.status().state, LiveState::Live);
    assert_eq!(watcher.status().newest_t, Some(1));
    tape.extend(array(4, 0), &[0..1]);
    let LiveEvent::Changed { source, stale } = next(&watcher, &wakes) else { panic!("it has grown") };
    assert_eq!((source.info().shape.dims()[0], stale), (4, vec![0..1]));
    assert_eq!((watcher.status().newest_t, watcher.status().writing), (Some(3), None));
    tape.set_writing(Some([4, 6]));
    assert!(matches!(next(&watcher, &wakes), LiveEvent::Changed { .. }));
    assert_eq!(watcher.status().writing, Some(Span { axis: Axis::T, range: [4, 6] }));
    tape.take_away("somebody pulled the plug");
    assert!(matches!(next(&watcher, &wakes), LiveEvent::Gone));
    let status = watcher.status();
    assert_eq!((status.state, status.message.as_deref()), (LiveState::Gone, Some("somebody pulled the plug")));
    tape.bring_back();
    assert!(matches!(next(&watcher, &wakes), LiveEvent::Changed { .. }));
    tape.finish();
    let LiveEvent::Changed { source, .. } = next(&watcher, &wakes) else { panic!("it has ended") };
    assert!(source.growth().is_finished);
    assert_eq!(watcher.status().state, LiveState::Finished);
    tape.begin_anew(array(1, 100));
    watcher.look_now();
    let LiveEvent::Replaced(source) = next(&watcher, &wakes) else { panic!("another one") };
    assert_eq!((source.info().shape.dims()[0], watcher.status().state), (1, LiveState::Restarted));
}
