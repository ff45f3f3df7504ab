//! The interface as traits, so that a plugin's logic can be tested without a host. The methods are those of `wit/portcullis-kubernetes`.

use super::{DeleteOptions, Event, GetRequest, ListOptions, ListRequest, LogOptions, Read, Reply, Status, Target, WriteOptions};

/// How [`Api::patch`] reads its patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchKind {
    /// RFC 7396.
    Merge,
    /// RFC 6902.
    Json,
}

/// The API server. Every error is a [`Status`]; its `origin` says whether the API server, the operator's grant or the host spoke.
#[expect(clippy::missing_errors_doc, reason = "said once, at the trait")]
pub trait Api {
    /// One object.
    fn get(&self, request: &GetRequest) -> Result<Reply, Status>;

    /// One page of objects.
    fn list(&self, request: &ListRequest) -> Result<Reply, Status>;

    /// Several reads at once, answered in the order asked, each with its own result. At most 64.
    fn read_many(&self, requests: &[Read]) -> Vec<Result<Reply, Status>>;

    /// POST. `object` is JSON text.
    fn create(&self, target: &Target, object: &str, options: &WriteOptions) -> Result<Reply, Status>;

    /// Server-side apply; needs a field manager and the verbs patch and create. Without `force` a conflict is a 409 that names the other manager.
    fn apply(&self, target: &Target, object: &str, options: &WriteOptions, force: bool) -> Result<Reply, Status>;

    /// PATCH. `patch` is JSON text.
    fn patch(&self, target: &Target, kind: PatchKind, patch: &str, options: &WriteOptions) -> Result<Reply, Status>;

    /// DELETE, with its fences.
    fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Reply, Status>;

    /// Opens a watch; `timeout_seconds` is the server's. `form` is e.g. [`super::OBJECT`].
    fn watch(
        &self,
        target: &Target,
        options: &ListOptions,
        form: &str,
        timeout_seconds: u32,
    ) -> Result<Box<dyn Watch + '_>, Status>;

    /// Logs of a pod.
    fn logs(&self, target: &Target, options: &LogOptions) -> Result<String, Status>;

    /// GET through the API server's proxy; `target.name` may carry scheme and port ("https:db-1:8000"), `path` begins with "/".
    fn get_proxy(&self, target: &Target, path: &str) -> Result<Reply, Status>;

    /// `SelfSubjectRulesReview` in a namespace.
    fn access(&self, namespace: &str) -> Result<Reply, Status>;

    /// The `APIResourceList` of a group and version.
    fn discover(&self, group: &str, version: &str) -> Result<Reply, Status>;

    /// GET /version.
    fn server_version(&self) -> Result<Reply, Status>;

    /// Where a request goes that names no namespace.
    fn default_namespace(&self) -> String;
}

/// A running watch. Dropping it closes the connection.
pub trait Watch {
    /// The next event; `None` when `timeout_ms` passed or the server ended the watch in good order.
    ///
    /// # Errors
    /// [`Status`] ends the watch; 410 means list again.
    fn next(&mut self, timeout_ms: u32) -> Result<Option<Event>, Status>;

    /// True once the server has closed the watch.
    fn ended(&self) -> bool;
}
