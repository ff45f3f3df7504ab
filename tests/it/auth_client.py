"""Logging in with the official Python SDK's own OAuth client: python auth_client.py URL REDIRECT [CLIENT_DOCUMENT].

Prints "open URL" for the person's browser, and reads back from standard input where the browser ended. Logs in, calls a tool, refreshes, steps
up, and is out after revocation. With CLIENT_DOCUMENT that URL is its client_id; without, it registers itself.
"""

import asyncio
import os
import sys
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

LOGINS = 2  # the first, and the one with more scopes


class Memory:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    def __init__(self):
        self.opened = []

    async def show(self, url):
        self.opened.append(url)
        if len(self.opened) > LOGINS:
            raise PermissionError("asked to log in again")
        print("open " + url, flush=True)

    async def answer(self):
        landed = (await asyncio.to_thread(sys.stdin.readline)).strip()
        query = {name: values[0] for name, values in parse_qs(urlparse(landed).query).items()}
        assert "code" in query, landed
        return AuthorizationCodeResult(code=query["code"], state=query.get("state"), iss=query.get("iss"))


async def call(client, tool):
    result = await client.call_tool(tool, {})
    text = "\n".join(block.text for block in result.content if block.type == "text")
    print(f"> {tool}: {text}", flush=True)
    assert not result.is_error, text
    return text


async def end(url, memory):
    origin = "{0.scheme}://{0.netloc}".format(urlparse(url))
    async with httpx2.AsyncClient() as http:
        metadata = (await http.get(origin + "/.well-known/oauth-authorization-server")).json()
        form = {"client_id": memory.client.client_id, "token": memory.tokens.refresh_token}
        answer = await http.post(metadata["revocation_endpoint"], data=form)
        assert answer.status_code == 200, answer.text


async def session(url, redirect, document):
    memory, person = Memory(), Person()
    metadata = OAuthClientMetadata(client_name="Python SDK", redirect_uris=[redirect])
    provider = OAuthClientProvider(url, metadata, memory, person.show, person.answer, client_metadata_url=document)
    async with httpx2.AsyncClient(auth=provider) as http, Client(streamable_http_client(url, http_client=http)) as client:
        assert (await call(client, "whoami")).startswith("alice@")
        assert document is None or memory.client.client_id == document, memory.client
        assert memory.tokens.scope.split() == ["read", "write"], memory.tokens.scope

        first = memory.tokens
        provider.context.token_expiry_time = 1  # it ended long ago
        await call(client, "whoami")
        assert memory.tokens.access_token != first.access_token and memory.tokens.refresh_token != first.refresh_token
        assert len(person.opened) == 1, "a refresh needs no person"

        await call(client, "erase")
        assert len(person.opened) == 2, "more scopes need one"
        assert "admin" in memory.tokens.scope.split(), memory.tokens.scope

        await end(url, memory)
        try:
            await client.call_tool("whoami", {})
        except BaseException as refusal:
            print(f"after revocation: {refusal!r}", flush=True)
        else:
            raise AssertionError("a call went through after revocation")
        assert len(person.opened) == 3, "whose login was ended is asked to log in again"
        print("the whole login is done", flush=True)
        os._exit(0)  # the SDK's own tasks would raise the refusal once more on their way out


def main():
    url, redirect, *document = sys.argv[1:]
    asyncio.run(asyncio.wait_for(session(url, redirect, document[0] if document else None), timeout=120))


main()
