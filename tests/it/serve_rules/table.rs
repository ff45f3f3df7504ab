//! One table: every tool with arguments that work on the fixtures. A tool that writes in steps, or waits, is called for real: a dry run
//! would leave requests out.

use serde_json::{Value, json};

/// A call, and the `reason` of its result; empty: it works.
pub(super) struct Row {
    pub(super) tool: &'static str,
    pub(super) arguments: Value,
    pub(super) reason: &'static str,
}

fn row(tool: &'static str, arguments: Value) -> Row {
    Row { tool, arguments, reason: "" }
}

/// A call that ends otherwise, since there is no operator and no kubelet: all its requests are made nevertheless.
fn ends(tool: &'static str, reason: &'static str, arguments: Value) -> Row {
    Row { tool, arguments, reason }
}

/// In the order in which they are made.
pub(super) fn rows() -> Vec<Row> {
    [
        reading(),
        on_clusters(),
        on_configuration(),
        on_instances(),
        on_databases(),
        on_roles(),
        on_replication(),
        on_poolers(),
        on_backups(),
        removing(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shop() -> Value {
    json!({"name": "shop"})
}

fn of_shop() -> Value {
    json!({"cluster_name": "shop"})
}

fn reading() -> Vec<Row> {
    let mut rows = vec![
        row("list_postgres_clusters", json!({"all_namespaces": true})),
        row("get_cluster_status", json!({"name": "shop", "detail_level": "detailed", "live": true})),
        row("get_cluster_status", json!({"name": "shop", "all_namespaces": true})),
        row("diagnose_cluster", shop()),
        row("switchover_readiness", shop()),
        row("list_cluster_events", shop()),
        row("get_cluster_logs", shop()),
        row("get_parameters", json!({"name": "shop", "live": true})),
        row("get_cluster_resize_status", shop()),
        row("get_connection_info", shop()),
        row("list_postgres_databases", of_shop()),
        row("get_postgres_database_status", json!({"cluster_name": "shop", "database_name": "app"})),
        row("list_postgres_roles", of_shop()),
        row("list_postgres_roles", json!({"cluster_name": "shop", "all_namespaces": true})),
        row("get_postgres_role_status", json!({"cluster_name": "shop", "role_name": "app"})),
        row("list_publications", of_shop()),
        row("list_subscriptions", of_shop()),
        row("list_poolers", of_shop()),
        row("get_pooler", json!({"name": "shop-pooler"})),
        row("get_pooler", json!({"name": "shop-pooler", "all_namespaces": true})),
        row("get_operator_info", json!({})),
        row("list_image_catalogs", json!({})),
        row("list_backups", json!({"cluster": "shop"})),
        row("get_backup", json!({"name": "shop-backup"})),
        row("get_backup", json!({"name": "shop-backup", "all_namespaces": true})),
        row("list_scheduled_backups", json!({"cluster": "shop"})),
    ];
    let names =
        ["shop", "shop-backup", "shop-pooler", "shop-database", "shop-databaserole", "shop-publication", "shop-subscription"];
    let kinds = ["cluster", "backup", "pooler", "database", "role", "publication", "subscription"];
    let waits = kinds
        .into_iter()
        .zip(names)
        .map(|(kind, name)| row("wait_for", json!({"kind": kind, "name": name, "condition": "deleted", "timeout": 1})));
    rows.extend(waits);
    rows
}

fn on_clusters() -> Vec<Row> {
    let plan = || json!({"tool": "scale_postgres_cluster", "arguments": {"name": "planned", "instances": 4}});
    let mut apply = plan();
    apply["plan_id"] = json!("plan-00000000000000000000000000000000");
    apply["confirm_name"] = json!("planned");
    vec![
        row("create_postgres_cluster", json!({"name": "fresh", "postgres_version": "17", "wait": true, "timeout": 1})),
        row("scale_postgres_cluster", json!({"name": "shop", "instances": 4, "wait": true, "timeout": 1})),
        row("scale_postgres_cluster", json!({"name": "shop", "instances": 3})),
        row("plan_change", plan()),
        row("apply_plan", apply),
        row("upgrade_cluster_image", json!({"name": "shop", "image": "ghcr.io/cloudnative-pg/postgresql:17.6", "dry_run": true})),
        row("restart_cluster", json!({"name": "shop", "dry_run": true})),
        row("reload_cluster", json!({"name": "shop", "dry_run": true})),
        ends("hibernate_cluster", "BackupPending", json!({"name": "planned", "confirm_name": "planned", "backup_first": true})),
        row("hibernate_cluster", json!({"name": "planned", "confirm_name": "planned", "wait": true, "timeout": 1})),
        row("resume_cluster", json!({"name": "planned", "wait": true, "timeout": 1})),
        row("set_maintenance", json!({"name": "shop", "in_progress": true, "dry_run": true})),
        row("set_parameters", json!({"name": "shop", "set": {"work_mem": "8MB"}, "dry_run": true})),
        row("resize_postgres_cluster", json!({"name": "shop", "storage_size": "2Gi", "dry_run": true})),
    ]
}

fn on_configuration() -> Vec<Row> {
    let dry = |more: Value| {
        let mut whole = json!({"name": "shop", "dry_run": true});
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    vec![
        row("set_pg_hba", dry(json!({"add": ["hostssl app app 10.0.0.0/8 scram-sha-256"]}))),
        row("set_resources", dry(json!({"requests": {"cpu": "1", "memory": "1Gi"}}))),
        row("set_sync_replication", dry(json!({"number": 1, "data_durability": "preferred"}))),
        row("set_backup_config", dry(json!({"volume_snapshot_class": "slow", "target": "primary"}))),
        // The server has no ObjectStores.
        ends("set_backup_config", "NoObjectStore", dry(json!({"object_store": "s3"}))),
        row("set_superuser_access", dry(json!({"enabled": false}))),
        row("set_tablespace", json!({"name": "planned", "tablespace": "fast", "size": "1Gi", "wait": true, "timeout": 1})),
        row("set_managed_service", dry(json!({"service": "shop-out", "type": "rw", "service_type": "LoadBalancer"}))),
    ]
}

fn on_instances() -> Vec<Row> {
    vec![
        row("fence_instances", json!({"name": "shop", "instances": ["shop-3"]})),
        row("unfence_instances", json!({"name": "shop", "instances": ["shop-3"]})),
        row("restart_instance", json!({"name": "shop", "instance": "shop-2", "dry_run": true})),
        row("restart_instance", json!({"name": "shop", "instance": "shop-1", "dry_run": true})),
        row(
            "promote_cluster_instance",
            json!({"name": "shop", "instance": "shop-2", "force": true, "confirm_name": "shop-2", "dry_run": true}),
        ),
        row("delete_cluster_instance", json!({"name": "shop", "instance": "shop-3", "keep_pvc": true, "dry_run": true})),
        row("delete_cluster_instance", json!({"name": "shop", "instance": "shop-3", "confirm_name": "shop-3"})),
    ]
}

fn on_databases() -> Vec<Row> {
    vec![
        row(
            "create_postgres_database",
            json!({"cluster_name": "shop", "database_name": "fresh", "owner": "app", "wait": true, "timeout": 1}),
        ),
        row(
            "update_postgres_database",
            json!({"cluster_name": "shop", "database_name": "app", "connection_limit": 5, "wait": true, "timeout": 1}),
        ),
    ]
}

fn on_roles() -> Vec<Row> {
    vec![
        row("create_postgres_role", json!({"cluster_name": "shop", "role_name": "fresh", "wait": true, "timeout": 1})),
        row(
            "update_postgres_role",
            json!({"cluster_name": "shop", "role_name": "app", "reset_password": true, "wait": true, "timeout": 1}),
        ),
    ]
}

fn on_replication() -> Vec<Row> {
    let place = json!({"cluster_name": "shop", "database_name": "app", "wait": true, "timeout": 1});
    let with = |more: Value| {
        let mut whole = place.clone();
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    vec![
        row("create_publication", with(json!({"publication_name": "fresh", "all_tables": true}))),
        row(
            "create_subscription",
            with(json!({
                "subscription_name": "fresh", "publication_name": "fresh", "external_cluster": "another",
                "connection": {"host": "another-rw.prod.svc"},
            })),
        ),
    ]
}

fn on_poolers() -> Vec<Row> {
    vec![
        row("set_pooler", json!({"name": "fresh", "cluster_name": "shop"})),
        row("set_pooler", json!({"name": "fresh", "instances": 2})),
        row("pause_pooler", json!({"name": "fresh"})),
        row("resume_pooler", json!({"name": "fresh"})),
    ]
}

fn on_backups() -> Vec<Row> {
    vec![
        row("create_backup", json!({"cluster": "shop", "wait": true, "timeout": 1})),
        row("set_scheduled_backup", json!({"name": "fresh", "cluster": "shop", "schedule": "0 3 * * *"})),
        row("set_scheduled_backup", json!({"name": "fresh", "suspend": true})),
        row("restore_cluster", json!({"new_name": "again", "backup": "shop-backup", "wait": true, "timeout": 1})),
        row("restore_cluster", json!({"new_name": "newest", "cluster": "shop", "dry_run": true})),
    ]
}

fn removing() -> Vec<Row> {
    let gone = |rest: Value| {
        let mut whole = json!({"cluster_name": "gone", "wait": true, "timeout": 1});
        whole.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        whole
    };
    let all = json!(["databases", "roles", "poolers", "scheduled_backups", "publications", "subscriptions"]);
    let whole = |name: &str, backup: bool| json!({"name": name, "confirm_deletion": true, "confirm_name": name, "cascade": all, "final_backup": backup});
    vec![
        row(
            "delete_publication",
            gone(json!({"database_name": "app", "publication_name": "feed", "drop": true, "confirm_name": "feed"})),
        ),
        row(
            "delete_subscription",
            gone(json!({"database_name": "app", "subscription_name": "intake", "drop": true, "confirm_name": "intake"})),
        ),
        row("delete_postgres_database", gone(json!({"database_name": "app", "drop": true, "confirm_name": "app"}))),
        row("delete_postgres_role", gone(json!({"role_name": "app", "drop_role": true, "confirm_name": "app"}))),
        row("delete_pooler", json!({"name": "gone-pooler", "confirm_name": "gone-pooler"})),
        row("delete_backup", json!({"name": "gone-backup", "confirm_name": "gone-backup"})),
        row("delete_scheduled_backup", json!({"name": "gone-scheduledbackup", "confirm_name": "gone-scheduledbackup"})),
        ends("delete_postgres_cluster", "BackupPending", whole("planned", true)),
        row("delete_postgres_cluster", whole("planned", false)),
    ]
}
