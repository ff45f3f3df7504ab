//! A stand-in at the port `KubeApi`: keeps what it was asked, answers the same to everything, and never sends a watch event. Tests of
//! the sandbox alone; an API server that behaves like one is kubesim.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use portcullis_core::kube::{KubeEvent, KubeReply, KubeRequest, KubeStatus, WatchRequest};
use portcullis_core::ports::{BoxFuture, KubeApi, KubeWatch};

/// Keeps requests; watches hang until they are dropped.
#[derive(Default)]
pub(crate) struct SilentKube {
    pub(crate) requests: Mutex<Vec<KubeRequest>>,
    pub(crate) watches: Arc<Mutex<usize>>,
    pub(crate) events: Mutex<Vec<KubeEvent>>,
}

impl KubeApi for SilentKube {
    fn send(&self, request: KubeRequest) -> BoxFuture<'_, Result<KubeReply, KubeStatus>> {
        self.requests.lock().unwrap().push(request);
        Box::pin(async { Ok(KubeReply { body: r#"{"kind":"Pod"}"#.to_owned(), warnings: vec!["old".to_owned()] }) })
    }

    fn watch(&self, _: WatchRequest) -> BoxFuture<'_, Result<Box<dyn KubeWatch>, KubeStatus>> {
        *self.watches.lock().unwrap() += 1;
        let watch = Watch { events: std::mem::take(&mut self.events.lock().unwrap()), running: self.watches.clone() };
        Box::pin(async { Ok::<Box<dyn KubeWatch>, _>(Box::new(watch)) })
    }

    fn default_namespace(&self) -> &str {
        "home"
    }

    fn reachable(&self, _: Duration) -> BoxFuture<'_, Result<(), KubeStatus>> {
        Box::pin(async { Ok(()) })
    }
}

/// Sends its events and ends; one that has none never sends anything.
struct Watch {
    events: Vec<KubeEvent>,
    running: Arc<Mutex<usize>>,
}

impl KubeWatch for Watch {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<KubeEvent, KubeStatus>>> {
        let event = self.events.pop();
        let last = event.as_ref().is_some_and(|event| event.kind == "LAST");
        Box::pin(async move {
            match event {
                Some(_) if last => None,
                Some(event) => Some(Ok(event)),
                None => std::future::pending().await,
            }
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.running.lock().unwrap() -= 1;
    }
}
