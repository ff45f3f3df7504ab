//! Rules on pods: what Kubernetes says of them.

use serde_json::Value;

use super::scene::{Scene, join};
use super::{Rule, Severity};
use crate::json::{integer, list, text};
use crate::status::instances::{is_ready, role, waiting};
use crate::status::part::Part;
use crate::text::short;

/// Restarts of a pod beyond which it is not chance.
const RESTARTS: i64 = 5;

fn waits_for(scene: &Scene<'_>, reasons: &[&str]) -> Option<String> {
    scene.pods_where(|pod| waiting(pod).is_some_and(|reason| reasons.contains(&reason)))
}

fn restarts(pod: &Value) -> i64 {
    list(pod, "/status/containerStatuses").iter().filter_map(|one| integer(one, "/restartCount")).sum()
}

/// Why the scheduler finds no node.
fn unschedulable(pod: &Value) -> Option<&str> {
    let condition = list(pod, "/status/conditions").iter().find(|one| text(one, "/type") == Some("PodScheduled"))?;
    (text(condition, "/status") == Some("False")).then(|| text(condition, "/message").unwrap_or("no message"))
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "not_ready",
        severity: Severity::Warning,
        says: "fewer instances are ready than were asked for",
        advice: "Look at the pods that are not.",
        doc: "instance_manager",
        next: ("get_cluster_status", "{\"sections\": [\"instances\", \"events\"]}"),
        look: |scene| {
            let (ready, asked) = (scene.cluster.ready(), scene.cluster.instances());
            (ready < asked && !scene.cluster.is_hibernated()).then(|| format!("{ready} of {asked} ready"))
        },
    },
    Rule {
        id: "primary_not_ready",
        severity: Severity::Critical,
        says: "the primary's pod is not ready: writes fail",
        advice: "Look at its log and events.",
        doc: "failover",
        next: ("get_cluster_logs", "{\"level\": \"warning\"}"),
        look: |scene| {
            let primary = scene.cluster.primary()?;
            scene.pods_where(|pod| {
                text(pod, "/metadata/name") == Some(primary) && !is_ready(pod) && !scene.cluster.is_hibernated()
            })
        },
    },
    Rule {
        id: "primary_missing",
        severity: Severity::Critical,
        says: "the primary has no pod",
        advice: "The operator makes it anew or fails over, unless something stops it: see the events.",
        doc: "failover",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| {
            let primary = scene.cluster.primary()?;
            let known = scene.knows(Part::Pods) && !scene.cluster.is_hibernated();
            let there = scene.pods().iter().any(|pod| text(pod, "/metadata/name") == Some(primary));
            (known && !there).then(|| format!("no pod `{}`", short(primary)))
        },
    },
    Rule {
        id: "two_primaries",
        severity: Severity::Critical,
        says: "more than one instance takes itself for the primary",
        advice: "Fence all but the right one before anything else writes.",
        doc: "fencing",
        next: ("get_cluster_status", "{\"sections\": [\"live\", \"failover\"]}"),
        look: |scene| {
            let labelled = scene.pods().iter().filter(|pod| role(pod) == "primary").count();
            let live = scene.live.iter().filter(|(_, status)| super::scene::yes(status, "/isPrimary")).count();
            (labelled > 1 || live > 1).then(|| format!("{labelled} labelled so, {live} say so"))
        },
    },
    Rule {
        id: "image_pull",
        severity: Severity::Critical,
        says: "an image cannot be pulled",
        advice: "Check the image's name, the pull secret and the registry.",
        doc: "troubleshooting",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| waits_for(scene, &["ImagePullBackOff", "ErrImagePull", "InvalidImageName"]),
    },
    Rule {
        id: "crash_loop",
        severity: Severity::Critical,
        says: "a container starts and ends again and again",
        advice: "The log before the last restart says why.",
        doc: "troubleshooting",
        next: ("get_cluster_logs", "{\"previous\": true}"),
        look: |scene| waits_for(scene, &["CrashLoopBackOff"]),
    },
    Rule {
        id: "container_config",
        severity: Severity::Critical,
        says: "a container cannot be created as it is configured",
        advice: "A Secret or ConfigMap that it names is usually missing.",
        doc: "troubleshooting",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| waits_for(scene, &["CreateContainerConfigError", "CreateContainerError", "RunContainerError"]),
    },
    Rule {
        id: "out_of_memory",
        severity: Severity::Warning,
        says: "a container was killed for want of memory",
        advice: "Raise the memory limit, or lower what PostgreSQL may use (`shared_buffers`, `work_mem`, connections).",
        doc: "resource_management",
        next: ("get_cluster_status", "{\"detail_level\": \"detailed\"}"),
        look: |scene| {
            scene.pods_where(|pod| {
                list(pod, "/status/containerStatuses").iter().any(|one| {
                    ["/lastState/terminated/reason", "/state/terminated/reason"]
                        .iter()
                        .any(|at| text(one, at) == Some("OOMKilled"))
                })
            })
        },
    },
    Rule {
        id: "unschedulable",
        severity: Severity::Critical,
        says: "no node takes a pod",
        advice: "Nodes lack CPU, memory or the volume's zone, or affinity and taints keep it away: the message says which.",
        doc: "scheduling",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| {
            let pods = scene.pods();
            let words = pods.iter().filter_map(|pod| Some(format!("{}: {}", text(pod, "/metadata/name")?, unschedulable(pod)?)));
            let all: Vec<String> = words.take(3).collect();
            (!all.is_empty()).then(|| short(&all.join("; ")))
        },
    },
    Rule {
        id: "evicted",
        severity: Severity::Warning,
        says: "a pod was evicted by its node",
        advice: "The node ran out of something, mostly disk.",
        doc: "failure_modes",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| scene.pods_where(|pod| text(pod, "/status/reason") == Some("Evicted")),
    },
    Rule {
        id: "restarts",
        severity: Severity::Warning,
        says: "containers have been restarted often",
        advice: "The log before the last restart says why.",
        doc: "troubleshooting",
        next: ("get_cluster_logs", "{\"previous\": true, \"level\": \"warning\"}"),
        look: |scene| {
            let pods = scene.pods();
            let all: Vec<String> = pods
                .iter()
                .filter(|pod| restarts(pod) > RESTARTS)
                .map(|pod| format!("{} {}x", text(pod, "/metadata/name").unwrap_or_default(), restarts(pod)))
                .collect();
            join(all.iter().map(String::as_str))
        },
    },
    Rule {
        id: "one_node",
        severity: Severity::Warning,
        says: "all instances are on one node: losing it loses them all",
        advice: "Require anti-affinity (`spec.affinity.podAntiAffinityType: required`), or give it more nodes.",
        doc: "scheduling",
        next: ("get_cluster_status", "{\"sections\": [\"instances\"]}"),
        look: |scene| {
            let pods = scene.pods();
            let nodes: Vec<&str> = pods.iter().filter_map(|pod| text(pod, "/spec/nodeName")).collect();
            let first = nodes.first()?;
            (nodes.len() > 1 && nodes.iter().all(|node| node == first))
                .then(|| format!("{} pods on node {}", nodes.len(), short(first)))
        },
    },
    Rule {
        id: "single_instance",
        severity: Severity::Info,
        says: "one instance alone has no replica to fail over to",
        advice: "Two or more survive the loss of one.",
        doc: "failover",
        next: ("scale_postgres_cluster", "{\"instances\": 3}"),
        look: |scene| (scene.cluster.instances() == 1).then(|| "`spec.instances: 1`".into()),
    },
    Rule {
        id: "pooler_short",
        severity: Severity::Warning,
        says: "a pooler runs fewer pods than were asked for",
        advice: "Look at its pods' events.",
        doc: "connection_pooling",
        next: ("list_cluster_events", "{\"types\": [\"Warning\"]}"),
        look: |scene| {
            let poolers = scene.mine(Part::Poolers);
            let short_of =
                |one: &&&Value| integer(one, "/status/instances").unwrap_or(0) < integer(one, "/spec/instances").unwrap_or(1);
            join(poolers.iter().filter(short_of).filter_map(|one| text(one, "/metadata/name")))
        },
    },
    Rule {
        id: "pooler_paused",
        severity: Severity::Warning,
        says: "a pooler is paused: its clients wait",
        advice: "Resume it when the work that needed it is done.",
        doc: "connection_pooling",
        next: ("get_cluster_status", "{\"sections\": [\"poolers\"]}"),
        look: |scene| {
            let poolers = scene.mine(Part::Poolers);
            join(
                poolers
                    .iter()
                    .filter(|one| super::scene::yes(one, "/spec/pgbouncer/paused"))
                    .filter_map(|one| text(one, "/metadata/name")),
            )
        },
    },
    Rule {
        id: "probes_fail",
        severity: Severity::Warning,
        says: "probes of a pod fail",
        advice: "PostgreSQL is starting, stopping, overloaded or stuck: its log says which.",
        doc: "instance_manager",
        next: ("get_cluster_logs", "{\"level\": \"warning\"}"),
        look: |scene| join(scene.warnings("Unhealthy").into_iter().filter_map(|one| text(one, "/involvedObject/name"))),
    },
];
