//! What all parts of a run share: time, the store, the network between, and the record of it all.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tidegate::StoreState;
use tidegate::store::{Commit, Reply, StoreError};
use tokio::sync::oneshot;

use crate::flaw::Flaw;
use crate::node::Node;
use crate::random::Random;
use crate::record::{Call, Ended, News, Record};
use crate::scenario::{Burst, Fault, FaultKind, Scenario};
use crate::strategies;
use crate::strategies::asked::{Answer, Ask};
use crate::timeline::Timeline;

/// What the sender of a message gets.
pub type Heard = Result<Reply, StoreError>;

/// A run in progress.
pub struct World {
    /// What is to happen.
    pub scenario: Scenario,
    /// Virtual time.
    pub timeline: Timeline,
    /// How the store, or what is before it, is wrong.
    pub flaw: Option<Flaw>,
    state: Mutex<State>,
    /// A host that cannot reach the store whatever the scenario says.
    cut_off: Mutex<Option<usize>>,
}

struct State {
    node: Node,
    calls: Vec<Call>,
    /// Counts all that is asked and answered.
    sequence: u64,
    /// For each host and entity, when replies came that something was applied, and as which
    /// commits.
    heard: BTreeMap<(usize, String), Vec<(u64, usize)>>,
    /// How often each host has started; one that is dead has started anew, as far as its messages
    /// go.
    lives: BTreeMap<usize, u64>,
    /// Messages sent by each host.
    sent: BTreeMap<usize, u64>,
    /// What hosts were told of the store.
    news: Vec<News>,
    /// How bursts ended.
    bursts: Vec<Ended>,
    /// When a host was first cut off whatever the scenario says.
    cut_off_us: u64,
    /// Whether all faults are over and what they left behind is looked at.
    is_epilogue: bool,
}

/// One message on its way to the store.
#[derive(Clone)]
struct Message {
    id: (usize, u64),
    life: u64,
    commit: Arc<Commit>,
    reply: Arc<Mutex<Option<oneshot::Sender<Heard>>>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("seed", &self.scenario.seed).finish_non_exhaustive()
    }
}

impl World {
    /// The start of a run.
    pub fn new(scenario: Scenario, flaw: Option<Flaw>) -> Arc<Self> {
        let state = State {
            node: Node::new(flaw),
            calls: Vec::new(),
            sequence: 0,
            heard: BTreeMap::new(),
            lives: BTreeMap::new(),
            sent: BTreeMap::new(),
            news: Vec::new(),
            bursts: Vec::new(),
            cut_off_us: u64::MAX,
            is_epilogue: false,
        };
        Arc::new(Self {
            scenario,
            timeline: Timeline::default(),
            flaw,
            state: Mutex::new(state),
            cut_off: Mutex::default(),
        })
    }

    /// Starts a host. Its earlier life is over: what it sent may arrive, but it hears nothing and
    /// sends nothing.
    pub fn start_life(&self, host: usize) -> u64 {
        let mut state = self.state.lock();
        let life = state.lives.entry(host).or_insert(0);
        *life += 1;
        let life = *life;
        let now_us = self.timeline.now_us();
        for index in 0..state.calls.len() {
            if state.calls[index].host == host && state.calls[index].answer == Answer::Pending {
                state.end(index, now_us, Answer::Crashed);
            }
        }
        life
    }

    /// Sends a commit. The receiver may hear nothing, ever.
    pub fn send(self: &Arc<Self>, host: usize, life: u64, commit: &Commit) -> oneshot::Receiver<Heard> {
        let (reply, heard) = oneshot::channel();
        let number = {
            let mut state = self.state.lock();
            if state.lives.get(&host) != Some(&life) {
                drop(state);
                let _ = reply.send(Err(StoreError::Away("the host is dead".to_owned())));
                return heard;
            }
            let sent = state.sent.entry(host).or_insert(0);
            *sent += 1;
            *sent
        };
        let (commit, reply) = (Arc::new(commit.clone()), Arc::new(Mutex::new(Some(reply))));
        let message = Message { id: (host, number), life, commit, reply };
        let mut random = Random::part(self.scenario.seed, &[1, host as u64, number]);
        if !self.loses(host, &mut random, |kind| matches!(kind, FaultKind::LostRequests(_))) {
            self.carry(message.clone(), self.delay_us(&mut random), random.number());
        }
        if self.happens(&mut random, |kind| matches!(kind, FaultKind::Duplicates(_))) {
            self.carry(message, random.between(0, 200_000), random.number());
        }
        heard
    }

    fn carry(self: &Arc<Self>, message: Message, after_us: u64, chance: u64) {
        let world = Arc::clone(self);
        self.timeline.at(self.timeline.now_us() + after_us, move || world.arrive(message, chance));
    }

    /// A message reaches the store.
    fn arrive(self: &Arc<Self>, message: Message, chance: u64) {
        let (host, mut random) = (message.id.0, Random::new(chance));
        let now_us = self.timeline.now_us();
        if self.is_cut_off(host) {
            return;
        }
        if let Some(until_us) = self.paused_until_us() {
            let world = Arc::clone(self);
            self.timeline.at(until_us, move || world.arrive(message, chance));
            return;
        }
        let (heard, applied) = if self.is(FaultKind::is_down) {
            if random.chance(500) {
                return;
            }
            (Err(StoreError::Away("connection refused".to_owned())), None)
        } else {
            let (reply, applied) = self.state.lock().node.take(message.id, &message.commit, now_us);
            (Ok(reply), applied)
        };
        if !self.loses(host, &mut random, |kind| matches!(kind, FaultKind::LostReplies(_))) {
            let (world, at_us) = (Arc::clone(self), now_us + self.delay_us(&mut random));
            self.timeline.at(at_us, move || world.deliver(&message, heard, applied));
        }
    }

    fn paused_until_us(&self) -> Option<u64> {
        let pauses = self.active().filter(|fault| fault.kind == FaultKind::Pause);
        pauses.map(|fault| fault.until_us).max()
    }

    /// When a host notices what comes now.
    fn noticed_us(&self, host: usize) -> u64 {
        let mut now_us = self.timeline.now_us();
        while let Some(until_us) = self.scenario.busy_until_us(host, now_us) {
            now_us = until_us + 1;
        }
        now_us
    }

    /// Waits until a host is not busy any more: then it notices what has come, after the timers
    /// that are over.
    pub async fn attend(&self, host: usize) {
        while let Some(until_us) = self.scenario.busy_until_us(host, self.timeline.now_us()) {
            self.timeline.sleep(until_us - self.timeline.now_us() + 1).await;
        }
    }

    /// A host was told of the store.
    pub fn tell(&self, host: usize, after: StoreState) {
        let news = News { host, at_us: self.timeline.now_us(), after };
        self.state.lock().news.push(news);
    }

    /// A burst is over.
    pub fn end_burst(&self, burst: &Burst, failed: usize) {
        let ended = Ended { host: burst.host, keys: burst.keys, failed, ended_us: self.timeline.now_us() };
        self.state.lock().bursts.push(ended);
    }

    /// A reply reaches its host.
    fn deliver(&self, message: &Message, heard: Heard, applied: Option<usize>) {
        let mut state = self.state.lock();
        let host = message.id.0;
        let alive = state.lives.get(&host) == Some(&message.life);
        let Some(reply) = message.reply.lock().take().filter(|reply| alive && !reply.is_closed()) else { return };
        if self.is_cut_off(host) {
            return;
        }
        if let Some(commit) = applied {
            let tag = state.node.applied[commit].tag.clone();
            state.heard.entry((host, tag)).or_default().push((self.noticed_us(host), commit));
        }
        let _ = reply.send(heard);
    }

    fn delay_us(&self, random: &mut Random) -> u64 {
        let network = self.scenario.network;
        let usual_us = network.least_us + random.between(0, network.spread_us);
        let factor = if random.chance(network.slow_per_mille) { random.between(2, 10) } else { 1 };
        let extra_us = self.active().map(|fault| if let FaultKind::Slow(us) = fault.kind { us } else { 0 }).sum();
        usual_us * factor + random.between(0, extra_us)
    }

    fn loses(&self, host: usize, random: &mut Random, how: impl Fn(&FaultKind) -> bool) -> bool {
        self.happens(random, how) || self.is_cut_off(host)
    }

    fn is_cut_off(&self, host: usize) -> bool {
        *self.cut_off.lock() == Some(host) || self.is(|kind| *kind == FaultKind::Partition(host))
    }

    /// From now on this host cannot reach the store, nor the store it; `None`: all can.
    pub fn cut_off(&self, host: Option<usize>) {
        let mut state = self.state.lock();
        state.cut_off_us = state.cut_off_us.min(self.timeline.now_us());
        drop(state);
        *self.cut_off.lock() = host;
    }

    fn happens(&self, random: &mut Random, how: impl Fn(&FaultKind) -> bool) -> bool {
        let chance = self.active().filter(|fault| how(&fault.kind)).map(|fault| fault.kind.per_mille()).max();
        random.chance(chance.unwrap_or(0))
    }

    fn is(&self, what: impl Fn(&FaultKind) -> bool) -> bool {
        self.active().any(|fault| what(&fault.kind))
    }

    fn active(&self) -> impl Iterator<Item = &Fault> {
        let now_us = self.timeline.now_us();
        self.scenario.faults.iter().filter(move |fault| (fault.from_us..fault.until_us).contains(&now_us))
    }

    /// Does something to the store.
    pub fn with_node<R>(&self, what: impl FnOnce(&mut Node) -> R) -> R {
        what(&mut self.state.lock().node)
    }

    /// From now on calls are made to see whether all is well again.
    pub fn begin_epilogue(&self) {
        self.state.lock().is_epilogue = true;
    }

    /// When a call was decided, on the store's clock, if it was answered from what the store holds.
    pub fn decided_by_store_us(&self, call: usize) -> Option<u64> {
        self.state.lock().calls[call].answer.decided_by_store_us()
    }

    /// Takes it that a call was made before the epilogue.
    pub fn leave_out(&self, call: usize) {
        self.state.lock().calls[call].epilogue = false;
    }

    /// Notes that a call is made.
    pub fn ask(&self, host: usize, actor: usize, tag: &str, ask: Ask) -> usize {
        let mut state = self.state.lock();
        state.sequence += 1;
        let asked = (self.timeline.now_us(), state.sequence);
        let epilogue = state.is_epilogue;
        let (tag, answer) = (tag.to_owned(), Answer::Pending);
        state.calls.push(Call { host, actor, tag, ask, asked, ended: (0, 0), commit: None, answer, epilogue });
        state.calls.len() - 1
    }

    /// Notes how a call ended.
    pub fn end(&self, call: usize, answer: Answer) {
        self.state.lock().end(call, self.timeline.now_us(), answer);
    }

    /// Whether no call is pending.
    pub fn all_ended(&self) -> bool {
        self.state.lock().calls.iter().all(|call| call.answer != Answer::Pending)
    }

    /// The record of the run.
    pub fn record(&self, diverged: u64) -> Record {
        let state = self.state.lock();
        let ended_us = self.timeline.now_us();
        let leftover = state.node.leftover(ended_us + 40 * 86_400_000_000);
        let (calls, commits) = (state.calls.clone(), state.node.applied.clone());
        let (news, bursts, cut_off_us) = (state.news.clone(), state.bursts.clone(), state.cut_off_us);
        Record {
            scenario: self.scenario.clone(),
            calls,
            commits,
            ended_us,
            leftover,
            diverged,
            news,
            bursts,
            cut_off_us,
        }
    }
}

impl State {
    fn end(&mut self, index: usize, now_us: u64, answer: Answer) {
        self.sequence += 1;
        let call = &mut self.calls[index];
        if call.answer != Answer::Pending {
            return;
        }
        call.ended = (now_us, self.sequence);
        let heard = self.heard.get(&(call.host, call.tag.clone())).map_or(&[][..], Vec::as_slice);
        call.commit = strategies::commit_of(call, &answer, heard, &self.node.applied);
        call.answer = answer;
    }
}

impl FaultKind {
    fn per_mille(&self) -> u64 {
        match self {
            Self::LostRequests(chance) | Self::LostReplies(chance) | Self::Duplicates(chance) => *chance,
            _ => 0,
        }
    }

    fn is_down(&self) -> bool {
        matches!(self, Self::Restart | Self::Failover { .. })
    }
}
