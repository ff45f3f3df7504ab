//! A real API server for tests: `kube-apiserver` and `etcd` from the folder that `KUBEBUILDER_ASSETS` names.
//! Must not depend on one version: flags are those that 1.20 and today's have in common. There is no controller
//! manager: nothing is garbage-collected, and a namespace is never emptied.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::auth::Rule;
use crate::client::Client;
use crate::{definition, denied, kubeconfig};

/// Longest that the server may take to become ready (seconds, 60): it takes 3 to 5 on two cores.
const READY: Duration = Duration::from_secs(60);

/// Times that it is started before giving up (count, 3): a port that was free may be taken a moment later.
const ATTEMPTS: usize = 3;

/// Users besides the administrator (count, 160): one per set of rules that a test binary asks for.
const USERS: usize = 160;

/// What to tell a person whose tests were skipped.
pub const SKIPPED: &str = "skipped: no real API server. To run it, set KUBEBUILDER_ASSETS to a folder with kube-apiserver and etcd, \
    for example: export KUBEBUILDER_ASSETS=$(setup-envtest use -p path)";

/// Why it did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file, port or process of the host refused.
    #[error("starting kube-apiserver from `KUBEBUILDER_ASSETS`: {0}")]
    Io(#[from] io::Error),
    /// The environment names a folder that lacks one of the binaries.
    #[error("`KUBEBUILDER_ASSETS` is `{0}`, which lacks kube-apiserver or etcd; unset it to skip these tests")]
    NoBinaries(PathBuf),
    /// One of the two ended, most often because another process took its port.
    #[error("kube-apiserver or etcd ended at once; the end of their logs:\n{0}")]
    Ended(String),
    /// It never became ready.
    #[error("kube-apiserver did not become ready within 60 seconds; the end of the logs:\n{0}")]
    NotReady(String),
    /// It refused what a test needs.
    #[error("kube-apiserver refused {0}")]
    Refused(String),
}

/// A running API server with its etcd; both end when it is dropped.
#[derive(Debug)]
pub struct RealApiServer {
    url: String,
    ca: String,
    client: Client,
    free: Vec<(String, String)>,
    used: Vec<(String, String)>,
    admin: String,
    _processes: Processes,
    folder: TempDir,
}

/// Child processes that end with their owner, the last started first.
#[derive(Debug, Default)]
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in self.0.iter_mut().rev() {
            // Already ended is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The folder with the binaries, if the environment names one.
fn assets() -> Result<Option<PathBuf>, StartError> {
    let Some(folder) = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()).map(PathBuf::from) else {
        return Ok(None);
    };
    let has_both = ["kube-apiserver", "etcd"].iter().all(|binary| folder.join(binary).is_file());
    if has_both { Ok(Some(folder)) } else { Err(StartError::NoBinaries(folder)) }
}

impl RealApiServer {
    /// Starts one with CNPG's CRDs, or gives `None` if the environment names no binaries.
    ///
    /// # Errors
    /// If the binaries are there and do not become a ready server.
    pub async fn start() -> Result<Option<Self>, StartError> {
        let Some(assets) = assets()? else { return Ok(None) };
        for _ in 1..ATTEMPTS {
            match Self::attempt(&assets).await {
                Err(StartError::Ended(_)) => {}
                started => return started.map(Some),
            }
        }
        Self::attempt(&assets).await.map(Some)
    }

    async fn attempt(assets: &Path) -> Result<Self, StartError> {
        let folder = tempfile::tempdir()?;
        let users: Vec<(String, String)> = (0..USERS).map(|number| (format!("user-{number}"), token(number))).collect();
        let admin = token(USERS);
        write_tokens(folder.path(), &admin, &users)?;
        let [port, etcd, peer] = free_ports()?;
        let mut processes = Processes::default();
        processes.0.push(start_etcd(assets, folder.path(), etcd, peer)?);
        processes.0.push(start_api(assets, folder.path(), port, etcd)?);
        let url = format!("https://127.0.0.1:{port}");
        let ca = certificate(folder.path(), &mut processes).await?;
        let client = Client::new(&url, &admin, Some(&ca))?;
        ready(&client, folder.path(), &mut processes).await?;
        let server = Self { url, ca, client, free: users, used: Vec::new(), admin, _processes: processes, folder };
        server.install_crds().await?;
        Ok(server)
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client that may do everything.
    pub fn admin(&self) -> &Client {
        &self.client
    }

    /// A kubeconfig that may do everything.
    pub fn admin_kubeconfig(&self) -> String {
        self.kubeconfig("admin", &self.admin)
    }

    /// Gives a user of its own exactly these rights; the name, to be used with [`Self::kubeconfig_of`].
    ///
    /// # Errors
    /// If the server refuses the roles, or all users are taken.
    pub async fn user(&mut self, rules: &[Rule]) -> Result<String, StartError> {
        let user = self.free.pop().ok_or_else(|| StartError::Refused(format!("another user: {USERS} are taken")))?;
        for (number, rule) in rules.iter().enumerate() {
            self.bind(&user.0, number, rule).await?;
        }
        self.used.push(user.clone());
        Ok(user.0)
    }

    /// The kubeconfig of a user that [`Self::user`] made.
    pub fn kubeconfig_of(&self, user: &str) -> String {
        self.kubeconfig(user, self.token_of(user))
    }

    /// A client for a user that [`Self::user`] made.
    pub fn client_of(&self, user: &str) -> Client {
        self.client.with_token(self.token_of(user))
    }

    /// What the server denied to a user, as `verb resource`: also what a client kept to itself.
    ///
    /// # Errors
    /// If the server's audit log cannot be read.
    pub fn denied_to(&self, user: &str) -> io::Result<Vec<String>> {
        denied::of(self.folder.path(), user)
    }

    fn token_of(&self, user: &str) -> &str {
        self.used.iter().find(|(name, _)| name == user).map_or("", |(_, token)| token)
    }

    fn kubeconfig(&self, user: &str, token: &str) -> String {
        kubeconfig::yaml(&self.url, Some(&STANDARD.encode(&self.ca)), user, token)
    }

    async fn bind(&self, user: &str, number: usize, rule: &Rule) -> Result<(), StartError> {
        let name = format!("{user}-{number}");
        let subject = json!([{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]);
        let places: Vec<String> = match rule.namespaces.as_slice() {
            [] => vec![String::new()],
            namespaces => namespaces.to_vec(),
        };
        for namespace in places {
            let (prefix, path) = match namespace.as_str() {
                "" => ("Cluster", String::new()),
                namespace => ("", format!("namespaces/{namespace}/")),
            };
            let object = |kind: &str| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": format!("{prefix}{kind}"), "metadata": {"name": name}});
            let mut role = object("Role");
            crate::object::put(&mut role, &["rules"], json!([rule.to_json()]));
            let mut binding = object("RoleBinding");
            let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": format!("{prefix}Role"), "name": name});
            crate::object::put(&mut binding, &["roleRef"], reference);
            crate::object::put(&mut binding, &["subjects"], subject.clone());
            let plural = |kind: &str| format!("/apis/rbac.authorization.k8s.io/v1/{path}{}{kind}", prefix.to_lowercase());
            self.post(&plural("roles"), &role).await?;
            self.post(&plural("rolebindings"), &binding).await?;
        }
        Ok(())
    }

    async fn post(&self, path: &str, object: &Value) -> Result<(), StartError> {
        let answer = self.client.send("POST", path, &[], Some(object)).await?;
        if answer.code < 300 || answer.code == 409 {
            Ok(())
        } else {
            Err(StartError::Refused(format!("{path}: {}", answer.text)))
        }
    }

    async fn install_crds(&self) -> Result<(), StartError> {
        let crds = definition::cnpg().map_err(io::Error::other)?;
        for crd in &crds {
            self.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd).await?;
        }
        let until = Instant::now() + READY;
        for served in crds.iter().filter_map(definition::served) {
            let path = format!("/apis/{}/{}", served.api_version(), served.plural);
            while self.client.send("GET", &path, &[], None).await?.code != 200 {
                if Instant::now() > until {
                    return Err(StartError::Refused(format!("to serve {path}")));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }
}

/// A token that other servers of this machine do not share; it guards a loopback port for the time of a test.
fn token(number: usize) -> String {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    format!("test-{}-{nanos:x}-{number}", std::process::id())
}

fn write_tokens(folder: &Path, admin: &str, users: &[(String, String)]) -> io::Result<()> {
    let line = |(name, token): &(String, String)| format!("{token},{name},{name}-uid,\"testers\"\n");
    let users: String = users.iter().map(line).collect();
    fs::write(folder.join("tokens.csv"), format!("{admin},admin,admin-uid,\"system:masters\"\n{users}"))
}

/// Three free ports, all held at once so that they differ.
fn free_ports() -> io::Result<[u16; 3]> {
    let held = [(), (), ()].map(|()| TcpListener::bind(("127.0.0.1", 0)));
    let [one, two, three] = held;
    Ok([one?.local_addr()?.port(), two?.local_addr()?.port(), three?.local_addr()?.port()])
}

fn spawn(binary: &Path, folder: &Path, arguments: &[String]) -> io::Result<Child> {
    let name = binary.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let log = fs::File::create(folder.join(format!("{name}.log")))?;
    let errors = log.try_clone()?;
    Command::new(binary).args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(log).stderr(errors).spawn()
}

fn start_etcd(assets: &Path, folder: &Path, port: u16, peer: u16) -> io::Result<Child> {
    let (url, peers) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{peer}"));
    let arguments = [
        "--name=test".to_owned(),
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=test={peers}"),
    ];
    spawn(&assets.join("etcd"), folder, &arguments)
}

/// The server makes its own certificate in the folder, and signs service account tokens with that key.
fn start_api(assets: &Path, folder: &Path, port: u16, etcd: u16) -> io::Result<Child> {
    let certificates = folder.join("pki");
    let arguments = [
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--etcd-servers=http://127.0.0.1:{etcd}"),
        format!("--cert-dir={}", certificates.display()),
        format!("--token-auth-file={}", folder.join("tokens.csv").display()),
        "--authorization-mode=RBAC".to_owned(),
        "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        format!("--service-account-key-file={}", certificates.join("apiserver.key").display()),
        format!("--service-account-signing-key-file={}", certificates.join("apiserver.key").display()),
        "--disable-admission-plugins=ServiceAccount".to_owned(),
        "--profiling=false".to_owned(),
    ];
    let arguments: Vec<String> = arguments.into_iter().chain(denied::flags(folder)?).collect();
    spawn(&assets.join("kube-apiserver"), folder, &arguments)
}

/// The certificate that the server made, with the authority that signed it.
async fn certificate(folder: &Path, processes: &mut Processes) -> Result<String, StartError> {
    let path = folder.join("pki").join("apiserver.crt");
    let until = Instant::now() + READY;
    loop {
        match fs::read_to_string(&path) {
            Ok(text) if text.matches("END CERTIFICATE").count() >= 2 => return Ok(text),
            _ => wait(folder, processes, until).await?,
        }
    }
}

async fn ready(client: &Client, folder: &Path, processes: &mut Processes) -> Result<(), StartError> {
    let until = Instant::now() + READY;
    loop {
        match client.send("GET", "/readyz", &[], None).await {
            Ok(answer) if answer.code == 200 => return Ok(()),
            _ => wait(folder, processes, until).await?,
        }
    }
}

async fn wait(folder: &Path, processes: &mut Processes, until: Instant) -> Result<(), StartError> {
    let has_ended = processes.0.iter_mut().any(|child| !matches!(child.try_wait(), Ok(None)));
    if has_ended {
        return Err(StartError::Ended(end_of_logs(folder)));
    }
    if Instant::now() > until {
        return Err(StartError::NotReady(end_of_logs(folder)));
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

/// The last five lines of each log.
fn end_of_logs(folder: &Path) -> String {
    let end_of = |name: &str| {
        let text = fs::read_to_string(folder.join(format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(5)).map(|line| format!("{name}: {line}\n")).collect::<String>()
    };
    end_of("etcd") + &end_of("kube-apiserver")
}
