//! What has happened since the window last asked, as few events as say it: a window that does not ask
//! for hours finds one change, not one for every block.

use std::ops::Range;
use std::sync::Arc;

use crate::format::{Growing, joined};

/// Something that happened to a watched recording.
#[derive(Clone)]
pub enum LiveEvent {
    /// There is something to show for the first time.
    Opened(Arc<dyn Growing>),
    /// The same recording has grown or changed. Chunks in `stale` hold other data now; failures of the
    /// rest are worth another attempt.
    Changed {
        /// The recording as it is now.
        source: Arc<dyn Growing>,
        /// Ranges of chunk indices.
        stale: Vec<Range<u64>>,
    },
    /// Another recording has begun in the same place: nothing read of the old one may be shown for it.
    Replaced(Arc<dyn Growing>),
    /// The blocks have gone, for the reason in the status. What was read of them is still true.
    Gone,
    /// The status changed in kind.
    Status,
}

/// Events that nobody has taken yet: at most a change of the data and one of the state.
#[derive(Default)]
pub(super) struct News {
    data: Option<LiveEvent>,
    state: Option<LiveEvent>,
}

impl News {
    /// Adds an event to those that wait.
    pub fn add(&mut self, event: LiveEvent) {
        match event {
            LiveEvent::Gone => self.state = Some(LiveEvent::Gone),
            LiveEvent::Status => self.state = self.state.take().or(Some(LiveEvent::Status)),
            data => {
                // It is there, so it is not gone any more.
                self.state = None;
                self.data = Some(match self.data.take() {
                    Some(earlier) => merged(earlier, data),
                    None => data,
                });
            }
        }
    }

    /// Whether the last thing told is that the blocks have gone.
    pub fn is_gone(&self) -> bool {
        matches!(self.state, Some(LiveEvent::Gone))
    }

    /// Takes what waits, in order.
    pub fn take(&mut self) -> Vec<LiveEvent> {
        self.data.take().into_iter().chain(self.state.take()).collect()
    }
}

/// Two changes of the data as one.
fn merged(earlier: LiveEvent, later: LiveEvent) -> LiveEvent {
    use LiveEvent::{Changed, Opened, Replaced};
    match (earlier, later) {
        // Nothing was ever read of what came before.
        (Opened(_), Opened(source) | Changed { source, .. } | Replaced(source)) => Opened(source),
        (Replaced(_), Opened(source) | Changed { source, .. } | Replaced(source)) => Replaced(source),
        (Changed { stale: a, .. }, Changed { source, stale: b }) => Changed { source, stale: joined([a, b].concat()) },
        (_, later) => later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::memory::{MemorySource, Tape};
    use crate::volume::{DType, Shape};

    fn source() -> Arc<dyn Growing> {
        let shape = Shape::from([2, 3, 4]);
        let array = MemorySource::new(DType::U8, shape, "tyx", &[1, 3, 4], vec![0; 24]).unwrap();
        Tape::begin(array, 1).source()
    }

    #[test]
    fn a_thousand_changes_nobody_took_are_one() {
        let (mut news, newest) = (News::default(), source());
        for i in 0..1000u64 {
            let stale = if i.is_multiple_of(2) { vec![i..i + 1] } else { vec![i..i + 1, 4000..4001] };
            news.add(LiveEvent::Changed { source: if i == 999 { Arc::clone(&newest) } else { source() }, stale });
            news.add(LiveEvent::Status);
        }
        let taken = news.take();
        let [LiveEvent::Changed { source, stale }, LiveEvent::Status] = &taken[..] else { panic!("two") };
        assert!(Arc::ptr_eq(source, &newest));
        assert_eq!(*stale, [0..1000, 4000..4001]);
        assert!(news.take().is_empty());
    }

    #[test]
    fn a_new_recording_stays_new_and_what_came_back_is_not_gone() {
        let mut news = News::default();
        news.add(LiveEvent::Changed { source: source(), stale: vec![] });
        news.add(LiveEvent::Gone);
        news.add(LiveEvent::Replaced(source()));
        news.add(LiveEvent::Changed { source: source(), stale: vec![3..4] });
        assert!(matches!(news.take()[..], [LiveEvent::Replaced(_)]));
        news.add(LiveEvent::Changed { source: source(), stale: vec![7..9] });
        news.add(LiveEvent::Gone);
        news.add(LiveEvent::Status);
        assert!(news.is_gone());
        let taken = news.take();
        let [LiveEvent::Changed { stale, .. }, LiveEvent::Gone] = &taken[..] else { panic!("the change is kept") };
        assert_eq!(*stale, vec![7..9]);
    }
}
