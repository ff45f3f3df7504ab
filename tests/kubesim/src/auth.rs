//! Who is calling and what they may do: bearer tokens, impersonation, a small RBAC.
//! Must not know resources; the wording of a refusal follows `apiserver/pkg/endpoints/handlers/responsewriters`.

use serde_json::{Value, json};

use crate::call::{Asked, Call, Target};
use crate::error::ApiError;

/// One RBAC rule. An empty `namespaces` means every namespace and the cluster scope; `*` matches anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// API groups; core is the empty string.
    pub groups: Vec<String>,
    /// Resources, with subresources as `pods/log`.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Names; empty for any.
    pub names: Vec<String>,
    /// Namespaces that the rule is bound in.
    pub namespaces: Vec<String>,
}

impl Rule {
    /// A rule for one group.
    pub fn new(group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self { groups: vec![group.to_owned()], resources: owned(resources), verbs: owned(verbs), ..Self::default() }
    }

    /// The same rule, bound in these namespaces only.
    #[must_use]
    pub fn in_namespaces(mut self, namespaces: &[&str]) -> Self {
        self.namespaces = namespaces.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The same rule, for these object names only.
    #[must_use]
    pub fn for_names(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The rule as RBAC writes it.
    pub fn to_json(&self) -> Value {
        let mut rule = json!({"apiGroups": self.groups, "resources": self.resources, "verbs": self.verbs});
        if !self.names.is_empty() {
            crate::object::put(&mut rule, &["resourceNames"], json!(self.names));
        }
        rule
    }

    fn is_bound_in(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|bound| bound == namespace)
    }

    fn allows(&self, ask: &Ask<'_>) -> bool {
        let has = |list: &[String], wanted: &str| list.iter().any(|known| known == "*" || known == wanted);
        let names_it = self.names.is_empty() || self.names.iter().any(|known| known == ask.name && !ask.name.is_empty());
        self.is_bound_in(ask.namespace)
            && has(&self.groups, ask.group)
            && has(&self.resources, ask.resource)
            && has(&self.verbs, ask.verb)
            && names_it
    }
}

/// A question to RBAC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
}

/// A user that the server knows by a bearer token.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Bearer token; empty for a user who is only impersonated.
    pub token: String,
    /// Groups; `system:masters` may do everything.
    pub groups: Vec<String>,
    /// What the user may do.
    pub rules: Vec<Rule>,
}

/// The caller of one request, after impersonation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Identity {
    /// Effective user.
    pub(crate) name: String,
    /// Effective groups.
    pub(crate) groups: Vec<String>,
}

/// Everyone, and everything groups may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    /// Known users; with none, every caller is an administrator.
    pub(crate) users: Vec<User>,
    /// Rules bound to groups.
    pub(crate) groups: Vec<(String, Vec<Rule>)>,
}

impl Directory {
    /// Who sent a request.
    ///
    /// # Errors
    /// 401 for a token that nobody has, 403 for impersonation without the right to it.
    pub(crate) fn identify(&self, call: &Call) -> Result<Identity, ApiError> {
        let token = call.header("authorization").strip_prefix("Bearer ").unwrap_or_default();
        let caller = match (self.users.is_empty(), token) {
            (true, _) => Identity { name: "kubernetes-admin".to_owned(), groups: vec!["system:masters".to_owned()] },
            (false, "") => Identity { name: "system:anonymous".to_owned(), groups: vec!["system:unauthenticated".to_owned()] },
            (false, token) => self.users.iter().find(|user| user.token == token).map(of).ok_or_else(ApiError::unauthorized)?,
        };
        self.impersonate(caller, call)
    }

    fn impersonate(&self, caller: Identity, call: &Call) -> Result<Identity, ApiError> {
        let user = call.header("impersonate-user").to_owned();
        let groups: Vec<String> =
            call.headers.get_all("impersonate-group").iter().filter_map(|group| group.to_str().ok()).map(str::to_owned).collect();
        if user.is_empty() {
            let orphaned = !groups.is_empty() || call.headers.keys().any(|name| name.as_str().starts_with("impersonate-"));
            let message = "requested impersonation, but no user was named: send Impersonate-User as well";
            return if orphaned { Err(ApiError::new(500, "InternalError", message)) } else { Ok(caller) };
        }
        let all = [("users", &user)].into_iter().chain(groups.iter().map(|group| ("groups", group)));
        for (resource, name) in all {
            let ask = Ask { verb: "impersonate", group: "", resource, namespace: "", name };
            if !self.allows(&caller, &ask) {
                let message = format!("{resource} \"{name}\" is forbidden: {}", refusal(&caller, &ask));
                return Err(ApiError::new(403, "Forbidden", message));
            }
        }
        let groups = groups.into_iter().chain(["system:authenticated".to_owned()]).collect();
        Ok(Identity { name: user, groups })
    }

    /// The rules that apply to someone.
    pub(crate) fn rules(&self, who: &Identity) -> Vec<Rule> {
        let own = self.users.iter().filter(|user| user.name == who.name).flat_map(|user| user.rules.clone());
        let shared = self.groups.iter().filter(|(group, _)| who.groups.contains(group)).flat_map(|(_, rules)| rules.clone());
        own.chain(shared).chain(basics(who)).collect()
    }

    /// The rules that apply to someone in one namespace.
    pub(crate) fn rules_in(&self, who: &Identity, namespace: &str) -> Vec<Rule> {
        self.rules(who).into_iter().filter(|rule| rule.is_bound_in(namespace)).collect()
    }

    /// True if someone may do it.
    pub(crate) fn allows(&self, who: &Identity, ask: &Ask<'_>) -> bool {
        self.rules(who).iter().any(|rule| rule.allows(ask))
    }

    /// Lets a request through.
    ///
    /// # Errors
    /// 403 in the API server's words.
    pub(crate) fn authorize(&self, who: &Identity, target: &Target, call: &Call) -> Result<(), ApiError> {
        let (Target::Resource(asked) | Target::Unknown(asked)) = target else { return self.authorize_path(who, call) };
        let resource = asked.resource();
        if self.allows(who, &ask(asked, &resource)) { Ok(()) } else { Err(forbidden(who, asked)) }
    }

    /// Health, version and discovery are open; everything else that is not a resource is not.
    fn authorize_path(&self, who: &Identity, call: &Call) -> Result<(), ApiError> {
        let is_master = who.groups.iter().any(|group| group == "system:masters");
        let path = call.path.as_str();
        let is_public = matches!(path, "/healthz" | "/livez" | "/readyz" | "/version" | "/version/");
        let is_discovery = path == "/api"
            || path == "/apis"
            || path.starts_with("/api/")
            || path.starts_with("/apis/")
            || path.starts_with("/openapi");
        let is_known = who.groups.iter().any(|group| group == "system:authenticated");
        if is_master || is_public || (is_known && is_discovery) {
            return Ok(());
        }
        let verb = call.method.as_str().to_lowercase();
        let message = format!("forbidden: User \"{}\" cannot {verb} path \"{path}\"", who.name);
        Err(ApiError::new(403, "Forbidden", message))
    }
}

fn of(user: &User) -> Identity {
    let groups = user.groups.iter().cloned().chain(["system:authenticated".to_owned()]).collect();
    Identity { name: user.name.clone(), groups }
}

/// What `system:masters` and `system:basic-user` bring.
fn basics(who: &Identity) -> Vec<Rule> {
    let has = |group: &str| who.groups.iter().any(|known| known == group);
    let all = Rule::new("*", &["*"], &["*"]);
    let basic = Rule::new("authorization.k8s.io", &["selfsubjectaccessreviews", "selfsubjectrulesreviews"], &["create"]);
    let masters = has("system:masters").then_some(all);
    masters.into_iter().chain(has("system:authenticated").then_some(basic)).collect()
}

fn ask<'a>(asked: &'a Asked, resource: &'a str) -> Ask<'a> {
    Ask { verb: asked.verb, group: &asked.kind.group, resource, namespace: &asked.namespace, name: &asked.name }
}

/// The 403 of someone who lacks a right.
pub(crate) fn forbidden(who: &Identity, asked: &Asked) -> ApiError {
    let resource = asked.resource();
    ApiError::forbidden(&asked.kind, &asked.name, &refusal(who, &ask(asked, &resource)))
}

fn refusal(who: &Identity, ask: &Ask<'_>) -> String {
    let Ask { verb, group, resource, namespace, .. } = ask;
    let place =
        if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
    format!("User \"{}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {place}", who.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask_about<'a>(verb: &'a str, resource: &'a str, namespace: &'a str, name: &'a str) -> Ask<'a> {
        Ask { verb, group: "", resource, namespace, name }
    }

    #[test]
    fn a_rule_allows_what_it_names_where_it_is_bound() {
        let rule = Rule::new("", &["pods", "pods/log"], &["get"]).in_namespaces(&["a"]).for_names(&["p"]);
        assert!(rule.allows(&ask_about("get", "pods", "a", "p")));
        assert!(rule.allows(&ask_about("get", "pods/log", "a", "p")));
        for (verb, resource, namespace, name) in [
            ("list", "pods", "a", "p"),
            ("get", "secrets", "a", "p"),
            ("get", "pods", "b", "p"),
            ("get", "pods", "a", "q"),
            ("get", "pods", "a", ""),
        ] {
            assert!(!rule.allows(&ask_about(verb, resource, namespace, name)), "{verb} {resource} {namespace} {name}");
        }
    }

    #[test]
    fn a_refusal_reads_as_the_real_one() {
        let who = Identity { name: "jane".to_owned(), groups: Vec::new() };
        let text = refusal(&who, &ask_about("list", "pods", "a", ""));
        assert_eq!(text, r#"User "jane" cannot list resource "pods" in API group "" in the namespace "a""#);
        assert!(refusal(&who, &ask_about("list", "pods", "", "")).ends_with("at the cluster scope"));
    }
}
