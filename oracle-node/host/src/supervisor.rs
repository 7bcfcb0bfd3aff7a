//! The engine's supervisor: turns failures, which the engine would hang on, into one fatal event.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_malachitebft_engine::node::NodeMsg;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent, async_trait};
use tokio::sync::mpsc;
use tracing::error;

use crate::event::{Event, HostError};
use crate::progress::Progress;

/// Reports the first fatal error to the application.
#[derive(Clone)]
pub(crate) struct Alarm {
    events: mpsc::Sender<Event>,
    raised: Arc<AtomicBool>,
    engine: Arc<OnceLock<ActorRef<NodeMsg>>>,
}

impl Alarm {
    pub(crate) fn new(events: mpsc::Sender<Event>) -> Self {
        Self { events, raised: Arc::default(), engine: Arc::default() }
    }

    /// What is stopped by an alarm, so that nothing more is signed.
    pub(crate) fn guard(&self, engine: ActorRef<NodeMsg>) {
        // Set once, by `start`.
        let _ = self.engine.set(engine);
    }

    /// Nothing after this is worth an alarm: the host is being stopped.
    pub(crate) fn silence(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }

    pub(crate) fn raise(&self, cause: HostError) {
        if self.raised.swap(true, Ordering::SeqCst) {
            return;
        }
        error!(%cause, "host stops");
        if let Some(engine) = self.engine.get() {
            engine.get_cell().stop_children(Some(cause.to_string()));
        }
        let events = self.events.clone();
        tokio::spawn(async move {
            // The application is gone if this fails, and needs no alarm.
            let _ = events.send(Event::Fatal(cause)).await;
        });
    }
}

pub(crate) struct Supervisor {
    pub(crate) alarm: Alarm,
    pub(crate) wal: PathBuf,
    pub(crate) progress: Arc<Progress>,
}

impl Supervisor {
    fn cause(&self, reason: String) -> HostError {
        let height = self.progress.started();
        if reason.starts_with("Corrupted WAL") || reason.starts_with("WAL replay") {
            HostError::WalCorrupt { path: self.wal.clone(), height, reason }
        } else if reason.starts_with("wal_") || reason.starts_with("WAL") {
            HostError::Disk { path: self.wal.clone(), reason }
        } else {
            HostError::Engine(reason)
        }
    }
}

#[async_trait]
impl Actor for Supervisor {
    type Msg = NodeMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<NodeMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<NodeMsg>,
        message: NodeMsg,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        let NodeMsg::SafetyFailure(reason) = message;
        self.alarm.raise(self.cause(reason));
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<NodeMsg>,
        event: SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        match event {
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {}
            SupervisionEvent::ActorTerminated(_, _, reason) => {
                self.alarm.raise(HostError::Engine(reason.unwrap_or_else(|| "stopped".into())));
            }
            SupervisionEvent::ActorFailed(_, failure) => {
                self.alarm.raise(HostError::Engine(failure.to_string()));
            }
        }
        Ok(())
    }
}
