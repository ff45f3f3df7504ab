//! What is known of PostgreSQL parameters beforehand: which ones CloudNativePG keeps to itself, and which ones need a restart. Sources:
//! CloudNativePG 1.30, documentation "PostgreSQL configuration", "Fixed parameters"; PostgreSQL 14 to 18, `pg_settings.context` =
//! `postmaster`.

/// Parameters that the operator sets, or keeps at their default.
pub(super) const FIXED: [&str; 66] = [
    "allow_alter_system",
    "allow_system_table_mods",
    "archive_cleanup_command",
    "archive_command",
    "archive_mode",
    "bonjour",
    "bonjour_name",
    "cluster_name",
    "config_file",
    "data_directory",
    "data_sync_retry",
    "event_source",
    "external_pid_file",
    "hba_file",
    "hot_standby",
    "ident_file",
    "jit_provider",
    "listen_addresses",
    "log_destination",
    "log_directory",
    "log_file_mode",
    "log_filename",
    "log_rotation_age",
    "log_rotation_size",
    "log_truncate_on_rotation",
    "logging_collector",
    "pg_failover_slots.primary_dsn",
    "pg_failover_slots.standby_slot_names",
    "port",
    "primary_conninfo",
    "primary_slot_name",
    "promote_trigger_file",
    "recovery_end_command",
    "recovery_min_apply_delay",
    "recovery_target",
    "recovery_target_action",
    "recovery_target_inclusive",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
    "restart_after_crash",
    "restore_command",
    "shared_preload_libraries",
    "ssl",
    "ssl_ca_file",
    "ssl_cert_file",
    "ssl_crl_file",
    "ssl_dh_params_file",
    "ssl_ecdh_curve",
    "ssl_key_file",
    "ssl_passphrase_command",
    "ssl_passphrase_command_supports_reload",
    "ssl_prefer_server_ciphers",
    "stats_temp_directory",
    "synchronized_standby_slots",
    "synchronous_standby_names",
    "syslog_facility",
    "syslog_ident",
    "syslog_sequence_numbers",
    "syslog_split_messages",
    "temp_tablespaces",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
];

/// Where a fixed parameter is set instead.
const INSTEAD: [(&str, &str); 8] = [
    ("allow_alter_system", "spec.postgresql.enableAlterSystem"),
    ("archive_", "the backup plugin of the cluster (spec.plugins)"),
    ("recovery_min_apply_delay", "spec.replica.minApplyDelay"),
    ("recovery_target", "spec.bootstrap.recovery.recoveryTarget of a new cluster"),
    ("shared_preload_libraries", "spec.postgresql.shared_preload_libraries"),
    ("ssl", "spec.certificates"),
    ("synchron", "spec.postgresql.synchronous"),
    ("temp_tablespaces", "spec.tablespaces (`temporary: true`)"),
];

/// Parameters that only a start reads, of those that users may set.
const RESTART: [&str; 42] = [
    "autovacuum_freeze_max_age",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_worker_slots",
    "commit_timestamp_buffers",
    "debug_io_direct",
    "dynamic_shared_memory_type",
    "huge_page_size",
    "huge_pages",
    "ignore_invalid_pages",
    "io_max_combine_limit",
    "io_max_concurrency",
    "io_method",
    "max_active_replication_origins",
    "max_connections",
    "max_files_per_process",
    "max_locks_per_transaction",
    "max_logical_replication_workers",
    "max_notify_queue_pages",
    "max_pred_locks_per_transaction",
    "max_prepared_transactions",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "min_dynamic_shared_memory",
    "multixact_member_buffers",
    "multixact_offset_buffers",
    "notify_buffers",
    "old_snapshot_threshold",
    "pg_stat_statements.max",
    "reserved_connections",
    "serializable_buffers",
    "shared_buffers",
    "shared_memory_type",
    "subtransaction_buffers",
    "superuser_reserved_connections",
    "track_activity_query_size",
    "track_commit_timestamp",
    "transaction_buffers",
    "wal_buffers",
    "wal_decode_buffer_size",
    "wal_level",
    "wal_log_hints",
];

/// A standby must not have less of these than its primary: a decrease restarts the primary first.
pub(super) const HOT_STANDBY: [&str; 5] =
    ["max_connections", "max_locks_per_transaction", "max_prepared_transactions", "max_wal_senders", "max_worker_processes"];

/// Whether the operator keeps it. PostgreSQL does not tell letter cases apart.
pub(super) fn is_fixed(name: &str) -> bool {
    FIXED.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// What to set instead of a fixed one.
pub(super) fn instead(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    INSTEAD.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, field)| *field)
}

/// Whether it takes effect only after a restart. `autovacuum_max_workers` does since PostgreSQL 18 without one.
pub(super) fn needs_restart(name: &str) -> bool {
    RESTART.iter().any(|one| one.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case("autovacuum_max_workers")
}

#[cfg(test)]
mod tests {
    use super::{FIXED, HOT_STANDBY, instead, is_fixed, needs_restart};

    #[test]
    fn a_fixed_parameter_is_known_in_any_letter_case_and_names_its_field() {
        assert!(is_fixed("Archive_Mode") && is_fixed("ssl") && !is_fixed("work_mem") && !is_fixed("ssl_min_protocol_version"));
        assert_eq!(instead("synchronous_standby_names"), Some("spec.postgresql.synchronous"));
        assert_eq!(instead("port"), None);
    }

    #[test]
    fn what_users_may_set_is_not_among_the_fixed() {
        assert!(HOT_STANDBY.iter().all(|one| needs_restart(one) && !is_fixed(one)));
        assert!(FIXED.iter().all(|one| !needs_restart(one)));
    }
}
