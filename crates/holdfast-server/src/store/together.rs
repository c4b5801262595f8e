//! Requests that wait for the same thing are worked on together: whatever arrives while one group is under way is the next group.
//!
//! Under load a few statements serve many requests; a lone request waits for nobody. What a group may not do to its members is in the
//! work's hands: it answers each by itself.

use super::StoreError;
use std::fmt;
use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// Requests of one group.
const GROUP_MAX: usize = 128;
/// Requests that may wait before their callers wait to be taken.
const QUEUE_MAX: usize = 1_024;

/// What became of each request of a group, in their order; or why of none.
pub type Answers<A> = Result<Vec<Result<A, StoreError>>, StoreError>;

struct Waiting<Q, A> {
    request: Q,
    answer: oneshot::Sender<Result<A, StoreError>>,
}

/// The way to the work. It ends when the last copy is gone.
pub struct Together<Q, A>(mpsc::Sender<Waiting<Q, A>>);

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Together")
    }
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Starts a task that does `work` for one group after the other.
    pub fn start<W, F>(work: W) -> Self
    where
        W: Fn(Vec<Q>) -> F + Send + 'static,
        F: Future<Output = Answers<A>> + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(run(work, receiver));
        Self(sender)
    }

    /// Has a request worked on with those that wait beside it.
    ///
    /// # Errors
    /// What the work answered to this request, or that the whole group failed.
    pub async fn ask(&self, request: Q) -> Result<A, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.0.send(Waiting { request, answer }).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

async fn run<Q, A, W, F>(work: W, mut queue: mpsc::Receiver<Waiting<Q, A>>)
where
    W: Fn(Vec<Q>) -> F,
    F: Future<Output = Answers<A>>,
{
    let mut waiting = Vec::new();
    while queue.recv_many(&mut waiting, GROUP_MAX).await > 0 {
        let (requests, askers): (Vec<Q>, Vec<_>) = waiting.drain(..).map(|one| (one.request, one.answer)).unzip();
        // A caller that went away does not need its answer; what it asked for was done all the same.
        match work(requests).await {
            Ok(answers) => askers.into_iter().zip(answers).for_each(|(asker, answer)| drop(asker.send(answer))),
            Err(error) => askers.into_iter().for_each(|asker| drop(asker.send(Err(error.clone())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn what_waits_is_one_group_and_each_gets_its_own_answer() {
        let groups = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&groups);
        let double = Together::start(move |numbers: Vec<i64>| {
            seen.lock().expect("a lock").push(numbers.len());
            async move {
                tokio::task::yield_now().await;
                if numbers.contains(&13) {
                    return Err(StoreError::Database("thirteen".into()));
                }
                Ok(numbers.iter().map(|n| if *n < 0 { Err(StoreError::Conflict) } else { Ok(n * 2) }).collect())
            }
        });
        assert_eq!(double.ask(4).await, Ok(8));
        let answers = futures_util::future::join_all([1, -2, 3].map(|n| double.ask(n))).await;
        assert_eq!(answers, [Ok(2), Err(StoreError::Conflict), Ok(6)]);
        assert_eq!(*groups.lock().expect("a lock"), [1, 3]);
        let refused = futures_util::future::join_all([13, 1].map(|n| double.ask(n))).await;
        assert_eq!(refused, vec![Err(StoreError::Database("thirteen".into())); 2]);
        assert_eq!(double.ask(5).await, Ok(10), "the next group is another one");
    }
}
