"""The whole round on CNPG clusters with the official Python SDK: python foreign_client.py MODE (http URL | stdio PROGRAM CONFIG).

MODE is "auto" (revision 2026-07-28) or "legacy" (the initialize handshake). Asserts what a person would look at; prints what it saw.
"""

import asyncio
import sys

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult

NAMESPACE = "default"
NAME = "round"
MINE = {"name": NAME, "namespace": NAMESPACE}


async def call(client, tool, arguments, **options):
    result = await client.call_tool(tool, arguments, **options)
    text = "\n".join(block.text for block in result.content if block.type == "text")
    print(f"> {tool} {arguments}\n{text}\n")
    assert not result.is_error, text
    return result.structured_content


async def listed(client):
    found = await call(client, "list_postgres_clusters", {"namespace": NAMESPACE})
    return [cluster["name"] for cluster in found["clusters"]]


async def whole_round(target, mode):
    asked, progress = [], []

    async def answer(_context, params):
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm_name": NAME})

    async def heard(done, _total, message):
        progress.append((done, message))

    async with Client(target, mode=mode, elicitation_callback=answer) as client:
        tools = {tool.name for tool in (await client.list_tools()).tools}
        assert {"list_postgres_clusters", "get_cluster_status", "create_postgres_cluster", "scale_postgres_cluster", "delete_postgres_cluster"} <= tools, tools
        assert await listed(client) == []

        await call(client, "create_postgres_cluster", MINE | {"instances": 2, "storage_size": "1Gi", "wait": True}, progress_callback=heard)
        assert progress, "creating with wait reports progress"
        assert await listed(client) == [NAME]
        status = await call(client, "get_cluster_status", MINE)
        assert (status["instances"], status["ready_instances"]) == (2, 2), status

        await call(client, "scale_postgres_cluster", MINE | {"instances": 3})
        status = await call(client, "get_cluster_status", MINE)
        assert status["instances"] == 3, status

        await call(client, "delete_postgres_cluster", MINE | {"confirm_deletion": True})
        assert len(asked) == 1 and NAME in asked[0], asked
        assert await listed(client) == []

        missing = await client.call_tool("get_cluster_status", MINE)
        assert missing.is_error, "a cluster that is gone is an error result"


def main():
    mode, transport, *rest = sys.argv[1:]
    target = rest[0] if transport == "http" else StdioServerParameters(command=rest[0], args=["stdio", "--config", rest[1]])
    asyncio.run(asyncio.wait_for(whole_round(target, mode), timeout=120))
    print("the whole round is done")


main()
