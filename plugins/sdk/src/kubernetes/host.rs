//! [`Api`] by way of the host's import. Nothing but passing on.

use super::{
    Api, DeleteOptions, Event, GetRequest, ListOptions, ListRequest, LogOptions, PatchKind, Read, Reply, Status, Target, Watch,
    WriteOptions,
};
use crate::bindings::tool::portcullis::kubernetes::api as imported;

/// The API server behind the host. Only inside a component: natively every method panics, so tests bring their own [`Api`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Host;

impl Api for Host {
    fn get(&self, request: &GetRequest) -> Result<Reply, Status> {
        imported::get(request)
    }

    fn list(&self, request: &ListRequest) -> Result<Reply, Status> {
        imported::list(request)
    }

    fn read_many(&self, requests: &[Read]) -> Vec<Result<Reply, Status>> {
        imported::read_many(requests)
    }

    fn create(&self, target: &Target, object: &str, options: &WriteOptions) -> Result<Reply, Status> {
        imported::create(target, object, options)
    }

    fn apply(&self, target: &Target, object: &str, options: &WriteOptions, force: bool) -> Result<Reply, Status> {
        imported::apply(target, object, options, force)
    }

    fn patch(&self, target: &Target, kind: PatchKind, patch: &str, options: &WriteOptions) -> Result<Reply, Status> {
        let kind = match kind {
            PatchKind::Merge => "merge",
            PatchKind::Json => "json",
        };
        imported::patch(target, kind, patch, options)
    }

    fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Reply, Status> {
        imported::delete(target, options)
    }

    fn watch(
        &self,
        target: &Target,
        options: &ListOptions,
        form: &str,
        timeout_seconds: u32,
    ) -> Result<Box<dyn Watch + '_>, Status> {
        imported::watch(target, options, form, timeout_seconds).map(|watcher| -> Box<dyn Watch> { Box::new(watcher) })
    }

    fn logs(&self, target: &Target, options: &LogOptions) -> Result<String, Status> {
        imported::logs(target, options)
    }

    fn get_proxy(&self, target: &Target, path: &str) -> Result<Reply, Status> {
        imported::get_proxy(target, path)
    }

    fn access(&self, namespace: &str) -> Result<Reply, Status> {
        imported::access(namespace)
    }

    fn discover(&self, group: &str, version: &str) -> Result<Reply, Status> {
        imported::discover(group, version)
    }

    fn server_version(&self) -> Result<Reply, Status> {
        imported::server_version()
    }

    fn default_namespace(&self) -> String {
        imported::default_namespace()
    }
}

impl Watch for imported::Watcher {
    fn next(&mut self, timeout_ms: u32) -> Result<Option<Event>, Status> {
        Self::next(self, timeout_ms)
    }

    fn ended(&self) -> bool {
        Self::ended(self)
    }
}
