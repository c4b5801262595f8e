//! What lies between tablets and server: delay, loss, duplication, reordering, answers that are cut, mixed up or of somebody else.

use crate::tablet::Who;
use crate::world::{Event, World};
use holdfast_wire::batch::BatchAnswer;
use std::collections::BTreeMap;

/// How a tablet is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    Up,
    Down,
    Portal,
    Rough { permille: u32 },
}

/// What goes wrong with the next batch of a tablet.
#[derive(Debug, Clone, Copy, Default)]
pub struct NextBatch {
    pub loses_answer: bool,
    pub cuts_answer: bool,
    pub answers_stale: bool,
    pub shuffles_answer: bool,
    pub sends_twice: bool,
}

/// A request on its way.
#[derive(Debug, Clone)]
pub struct Request {
    pub number: u64,
    pub tablet: usize,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    Batch(Vec<u8>),
    Probe {
        nonce: String,
    },
    KeySet,
    History {
        after: String,
    },
    /// Tombstones of before the server's epoch changed.
    Offer(Vec<u8>),
}

/// An answer at its tablet, or the news that there will be none.
#[derive(Debug, Clone)]
pub struct Answered {
    pub number: u64,
    pub answer: Option<Answer>,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy)]
pub enum Waiting {
    Run(Who),
    Probe(u64),
    KeySet,
    /// Of the feed that was read so many times from its beginning.
    History {
        feed: u32,
    },
    Offer,
}

#[derive(Debug, Default)]
pub struct Network {
    pending: BTreeMap<u64, (usize, u64, Waiting)>,
}

const PORTAL_PAGE: &[u8] = b"<!doctype html><title>Guest Wi-Fi</title><p>Accept the terms to go on";

impl World {
    /// Sends a request for the page or run of that generation. An answer, or none, will come back to it.
    pub fn send(&mut self, t: usize, generation: u64, waiting: Waiting, body: Body, time_out_ms: i64) {
        let number = self.number();
        self.network.pending.insert(number, (t, generation, waiting));
        self.after(time_out_ms, Event::Answered(Answered { number, answer: None }));
        let request = Request { number, tablet: t, body };
        match self.tablets[t].link {
            Link::Down => {
                let delay_ms = self.rng.between(1, 20);
                self.after(delay_ms, Event::Answered(Answered { number, answer: None }));
            }
            Link::Portal => {
                let answer = Answer { status: 200, body: PORTAL_PAGE.to_vec() };
                self.after(15, Event::Answered(Answered { number, answer: Some(answer) }));
            }
            Link::Up => self.carry(request, 0),
            Link::Rough { permille } => self.carry(request, permille),
        }
    }

    fn carry(&mut self, request: Request, permille: u32) {
        if self.rng.chance(permille) {
            self.figures.count("requests lost");
            return;
        }
        let is_batch = matches!(request.body, Body::Batch(_));
        let twice = is_batch && std::mem::take(&mut self.tablets[request.tablet].next_batch.sends_twice);
        if twice || self.rng.chance(permille / 2) {
            self.figures.count("requests twice");
            let delay_ms = self.delay_ms(permille.max(300));
            self.after(delay_ms, Event::ToServer(request.clone()));
        }
        let delay_ms = self.delay_ms(permille);
        self.after(delay_ms, Event::ToServer(request));
    }

    fn delay_ms(&mut self, permille: u32) -> i64 {
        if self.rng.chance(permille) { self.rng.between(50, 40_000) } else { self.rng.between(4, 60) }
    }

    /// The request is at the server.
    pub fn at_server(&mut self, request: Request) {
        if self.server.is_down() {
            // Refused at once, or never answered.
            if self.rng.chance(500) {
                self.after(5, Event::Answered(Answered { number: request.number, answer: None }));
            }
            return;
        }
        let t = request.tablet;
        let is_batch = matches!(request.body, Body::Batch(_));
        if is_batch && self.tablets[t].next_batch.answers_stale && !self.tablets[t].older_answers.is_empty() {
            // Something in between answers from its cache, and the request does not arrive.
            self.tablets[t].next_batch.answers_stale = false;
            self.figures.count("batches answered by a cache");
            let body = self.rng.pick(&self.tablets[t].older_answers).clone();
            return self.answer(t, request.number, Answer { status: 200, body });
        }
        let Some(answer) = self.serve(&request) else { return };
        if is_batch {
            self.answer_batch(t, request.number, answer);
        } else {
            self.answer(t, request.number, answer);
        }
    }

    /// An answer to a batch, through whatever was planned for it.
    fn answer_batch(&mut self, t: usize, number: u64, mut answer: Answer) {
        let next = std::mem::take(&mut self.tablets[t].next_batch);
        if answer.status == 200 {
            self.tablets[t].older_answers.push(answer.body.clone());
        }
        if next.loses_answer {
            self.figures.count("acknowledgements lost");
            return;
        }
        if next.shuffles_answer {
            answer.body = self.shuffled(&answer.body);
        }
        if next.cuts_answer {
            let at = usize::try_from(self.rng.below(answer.body.len() as u64)).unwrap_or(0);
            answer.body.truncate(at);
        }
        self.answer(t, number, answer);
    }

    fn answer(&mut self, t: usize, number: u64, mut answer: Answer) {
        let permille = match self.tablets[t].link {
            Link::Up => 0,
            Link::Rough { permille } => permille,
            Link::Down | Link::Portal => 1_000,
        };
        if self.rng.chance(permille) {
            self.figures.count("answers lost");
            return;
        }
        if self.rng.chance(permille / 3) {
            let at = usize::try_from(self.rng.below(answer.body.len().max(1) as u64)).unwrap_or(0);
            answer.body.truncate(at);
        }
        let delay_ms = self.delay_ms(permille);
        self.after(delay_ms, Event::Answered(Answered { number, answer: Some(answer) }));
    }

    /// The same acknowledgements in another order, and perhaps not all.
    fn shuffled(&mut self, body: &[u8]) -> Vec<u8> {
        let Ok(mut answer) = BatchAnswer::from_json(body) else { return body.to_vec() };
        let mut acks = std::mem::take(&mut answer.acks);
        while !acks.is_empty() {
            let at = usize::try_from(self.rng.below(acks.len() as u64)).unwrap_or(0);
            let ack = acks.remove(at);
            if !self.rng.chance(300) {
                answer.acks.push(ack);
            }
        }
        answer.to_json().into_bytes()
    }

    /// An answer is at the tablet, or its time is over. Only the first of both is heard.
    pub fn answered(&mut self, answered: Answered) {
        let Some((t, generation, waiting)) = self.network.pending.remove(&answered.number) else { return };
        match waiting {
            Waiting::Run(who) => self.batch_answered(t, who, generation, answered.answer),
            _ if !self.page_is(t, generation) => {}
            Waiting::Probe(nonce) => self.probe_answered(t, nonce, answered.answer),
            Waiting::KeySet => self.key_set_answered(t, answered.answer),
            Waiting::History { feed } => self.history_answered(t, feed, answered.answer),
            Waiting::Offer => self.offer_answered(t, answered.answer),
        }
    }
}
