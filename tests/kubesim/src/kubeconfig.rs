//! Kubeconfig files for the servers of this crate.
//! Must not read any.

/// One cluster, one user, one context, in namespace `default`. `ca` is base64 of PEM; no token means no credentials.
pub(crate) fn yaml(server: &str, ca: Option<&str>, user: &str, token: &str) -> String {
    let ca = ca.map(|ca| format!("\n    certificate-authority-data: {ca}")).unwrap_or_default();
    let credentials = if token.is_empty() { "{}".to_owned() } else { format!("{{token: \"{token}\"}}") };
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: test\n  cluster:\n    server: {server}{ca}\n\
         users:\n- name: {user}\n  user: {credentials}\n\
         contexts:\n- name: test\n  context: {{cluster: test, user: {user}, namespace: default}}\n\
         current-context: test\n"
    )
}
