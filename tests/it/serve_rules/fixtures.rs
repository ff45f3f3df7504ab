//! What the table's arguments name, made by the administrator of the real API server. There is no operator: each status says what an
//! operator would say.

use kubesim::client::{Answer, Client};
use serde_json::{Value, json};

const CNPG: &str = "postgresql.cnpg.io/v1";

/// An object with the paths by which it is created and its status is written.
struct Fixture {
    plural: &'static str,
    object: Value,
    status: Value,
}

fn fixture(api_version: &str, plural: &'static str, kind: &str, name: &str, rest: Value, status: Value) -> Fixture {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    merge(&mut object, rest);
    Fixture { plural, object, status }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

fn path(one: &Fixture) -> String {
    let version = one.object["apiVersion"].as_str().unwrap();
    let root = if version.contains('/') { "apis" } else { "api" };
    let place = if one.plural == "storageclasses" { "" } else { "namespaces/default/" };
    format!("/{root}/{version}/{place}{}", one.plural)
}

fn cluster(name: &str) -> Fixture {
    let spec = json!({
        "instances": 3, "storage": {"size": "1Gi"}, "enableSuperuserAccess": true, "backup": {"volumeSnapshot": {"className": "fast"}},
        "externalClusters": [{"name": "source", "connectionParameters": {"host": "other-rw.prod.svc"}}],
    });
    let names: Vec<String> = (1..=3).map(|number| format!("{name}-{number}")).collect();
    let status = json!({
        "phase": "Cluster in healthy state", "instances": 3, "readyInstances": 3, "instanceNames": names, "healthyPVC": names,
        "currentPrimary": names[0], "targetPrimary": names[0], "writeService": format!("{name}-rw"),
        "readService": format!("{name}-r"), "image": "ghcr.io/cloudnative-pg/postgresql:17.5",
    });
    fixture(CNPG, "clusters", "Cluster", name, json!({"spec": spec}), status)
}

/// Pod and volume of each instance of `shop`, owned by it.
fn instance(number: u8, uid: &Value) -> [Fixture; 2] {
    let name = format!("shop-{number}");
    let role = if number == 1 { "primary" } else { "replica" };
    let owner = json!([{"apiVersion": CNPG, "kind": "Cluster", "name": "shop", "uid": uid, "controller": true}]);
    let metadata = json!({"ownerReferences": owner, "annotations": {"cnpg.io/operatorVersion": "1.27.0"}, "labels": {
        "cnpg.io/cluster": "shop", "cnpg.io/instanceName": name, "cnpg.io/podRole": "instance", "cnpg.io/instanceRole": role,
        "role": role,
    }});
    let pod = json!({"metadata": metadata, "spec": {"containers": [{"name": "postgres", "image": "postgres"}]}});
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let claim = json!({"metadata": metadata, "spec": {
        "accessModes": ["ReadWriteOnce"], "storageClassName": "fast", "resources": {"requests": {"storage": "1Gi"}},
    }});
    [
        fixture("v1", "pods", "Pod", &name, pod, ready),
        fixture("v1", "persistentvolumeclaims", "PersistentVolumeClaim", &name, claim, Value::Null),
    ]
}

fn service(uid: &Value) -> Fixture {
    let owner = json!([{"apiVersion": CNPG, "kind": "Cluster", "name": "shop", "uid": uid, "controller": true}]);
    let metadata = json!({"ownerReferences": owner, "labels": {"cnpg.io/cluster": "shop"}});
    let spec = json!({"ports": [{"name": "postgres", "port": 5432}]});
    fixture("v1", "services", "Service", "shop-rw", json!({"metadata": metadata, "spec": spec}), Value::Null)
}

/// What belongs to one cluster: one of each kind.
fn belongings(of: &str) -> Vec<Fixture> {
    let applied = || json!({"applied": true, "observedGeneration": 1});
    let one = |plural: &'static str, kind: &str, spec: Value, status: Value| {
        let mut whole = json!({"spec": {"cluster": {"name": of}}});
        merge(&mut whole, json!({"spec": spec}));
        fixture(CNPG, plural, kind, &format!("{of}-{}", plural.trim_end_matches('s')), whole, status)
    };
    let target = json!({"dbname": "app", "name": "feed", "target": {"allTables": true}});
    let source = json!({"dbname": "app", "name": "intake", "publicationName": "feed", "externalClusterName": "source"});
    let taken = json!({"phase": "completed", "method": "volumeSnapshot", "stoppedAt": "2026-11-21T10:00:00Z",
        "snapshotBackupStatus": {"elements": [{"name": "snap-1", "type": "PG_DATA"}]}});
    vec![
        one("databases", "Database", json!({"name": "app", "owner": "app"}), applied()),
        one("databaseroles", "DatabaseRole", json!({"name": "app", "login": true}), applied()),
        one("publications", "Publication", target, applied()),
        one("subscriptions", "Subscription", source, applied()),
        one("poolers", "Pooler", json!({"pgbouncer": {"poolMode": "session"}}), Value::Null),
        one("scheduledbackups", "ScheduledBackup", json!({"schedule": "0 0 3 * * *", "method": "volumeSnapshot"}), Value::Null),
        one("backups", "Backup", json!({"method": "volumeSnapshot"}), taken),
    ]
}

/// Three clusters with all that can belong to one. `gone` is there to be deleted.
pub(super) async fn create(admin: &Client) {
    let class = json!({"provisioner": "example.com/none", "allowVolumeExpansion": true});
    post(admin, &fixture("storage.k8s.io/v1", "storageclasses", "StorageClass", "fast", class, Value::Null)).await;
    let images = json!({"spec": {"images": [{"major": 17, "image": "ghcr.io/cloudnative-pg/postgresql:17.5"}]}});
    post(admin, &fixture(CNPG, "imagecatalogs", "ImageCatalog", "images", images, Value::Null)).await;
    for name in ["shop", "gone", "planned"] {
        let made = post(admin, &cluster(name)).await;
        for one in belongings(name) {
            post(admin, &one).await;
        }
        if name == "shop" {
            post(admin, &service(&made["metadata"]["uid"])).await;
            for one in (1..=3).flat_map(|number| instance(number, &made["metadata"]["uid"])) {
                post(admin, &one).await;
            }
        }
    }
}

async fn post(admin: &Client, one: &Fixture) -> Value {
    let path = path(one);
    let made = fine(&path, admin.send("POST", &path, &[], Some(&one.object)).await.unwrap());
    if !one.status.is_null() {
        let path = format!("{path}/{}/status", one.object["metadata"]["name"].as_str().unwrap());
        let headers = [("content-type", "application/merge-patch+json")];
        fine(&path, admin.send("PATCH", &path, &headers, Some(&json!({"status": one.status}))).await.unwrap());
    }
    made
}

fn fine(path: &str, answer: Answer) -> Value {
    assert!(answer.code < 300, "{path}: {} {}", answer.code, answer.text);
    answer.json()
}
