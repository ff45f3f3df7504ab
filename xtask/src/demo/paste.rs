//! The lines that connect a person's own client to the demo.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

use crate::tree;

/// Prints them.
pub(crate) fn print(listen: SocketAddr, config: &Path) {
    print!("{}", text(listen, config));
}

fn text(listen: SocketAddr, config: &Path) -> String {
    let url = format!("http://{listen}/mcp");
    let stdio = json!({"mcpServers": {"portcullis": {
        "command": tree::program("portcullis"), "args": ["stdio", "--config", config],
    }}});
    let code = json!({"name": "portcullis", "type": "http", "url": url});
    format!(
        "\nThe endpoint is up: {url}\n\
         \nClaude Code:\n  claude mcp add --transport http portcullis {url}\n\
         \nClaude Desktop (stdio), in claude_desktop_config.json:\n  {stdio}\n\
         \nVS Code:\n  code --add-mcp '{code}'\n\
         \nMCP Inspector:\n  npx @modelcontextprotocol/inspector --cli {url} --transport http --method tools/list\n  npx @modelcontextprotocol/inspector   # then: Streamable HTTP, {url}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_gets_the_address_that_is_listened_on() {
        let text = text(([127, 0, 0, 1], 4299).into(), Path::new("c.yaml"));
        assert_eq!(text.matches("http://127.0.0.1:4299/mcp").count(), 5, "{text}");
        assert!(text.contains(r#""args":["stdio","--config","c.yaml"]"#), "{text}");
    }
}
