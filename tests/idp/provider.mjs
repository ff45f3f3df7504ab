// A real OpenID Connect provider for tests: the certified package `oidc-provider`, with two people, four clients and switches. Started by
// `tests/src/idp.rs`; `node_modules` is beside the copy of this file that is run.
//
//   node provider.mjs PORT 'http://redirect/uri/of/portcullis'
//
// Prints its issuer when it listens. `POST /control` with JSON turns switches, and answers with what was asked since the last time and with
// everything secret that it has given out so far.

import { generateKeyPairSync, createSecretKey, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [port, callback] = process.argv.slice(2);

const people = {
  alice: { name: 'Alice Ångström', groups: ['dba', 'staff'] },
  bob: { name: 'Bob', groups: ['staff'] },
};

const switches = {
  accessTokenTTL: 3600, // seconds
  format: 'jwt', // or 'opaque'
  encrypted: false, // access tokens are JWE
  resource: null, // the resource of requests that name none: their access tokens are JWTs for it
  indicators: true, // RFC 8707
  details: false, // RFC 9396
  dismissed: null, // a person whom it no longer knows
  away: false, // accepts connections and never answers
};

let keys = [];
let asked = [];
const issued = [];
let provider;

function rotate() {
  const made = [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ];
  // The new ones alone: whoever keeps the old set must notice.
  keys = made.map(([alg, { privateKey }]) => ({
    ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: `${alg}-${randomBytes(6).toString('hex')}`,
  }));
}

// It warns that memory and these login pages are not for production; standard output is read up to its first line only.
console.info = console.warn = () => {};

const encryption = createSecretKey(randomBytes(32));

function resourceServer(resource) {
  return {
    audience: resource,
    scope: 'read write admin',
    accessTokenTTL: switches.accessTokenTTL,
    accessTokenFormat: switches.format,
    jwt: {
      sign: { alg: 'RS256' },
      ...(switches.encrypted ? { encrypt: { alg: 'dir', enc: 'A256GCM', key: encryption } } : {}),
    },
  };
}

// What its instances share: a switch makes a new one.
const kept = new Map();

class Kept {
  constructor(model) {
    this.model = model;
  }

  find = async (id) => kept.get(`${this.model} ${id}`);

  findByUid = async (uid) => this.#values().find((one) => one.uid === uid);

  findByUserCode = async () => undefined;

  upsert = async (id, payload) => void kept.set(`${this.model} ${id}`, payload);

  consume = async (id) => void ((await this.find(id)).consumed = Math.floor(Date.now() / 1000));

  destroy = async (id) => void kept.delete(`${this.model} ${id}`);

  revokeByGrantId = async (grant) => {
    for (const [key, payload] of kept) if (payload.grantId === grant) kept.delete(key);
  };

  #values = () => [...kept].filter(([key]) => key.startsWith(`${this.model} `)).map(([, payload]) => payload);
}

function make() {
  provider = new Provider(`http://127.0.0.1:${port}`, {
    adapter: Kept,
    jwks: { keys },
    cookies: { keys: ['of a provider in a test'] },
    clients: [
      {
        client_id: 'portcullis',
        client_secret: 'upstream-client-secret-that-must-not-leak',
        redirect_uris: [callback],
        ...(switches.details ? { authorization_details_types: ['database'] } : {}),
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'signing',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks_uri: new URL('/.well-known/jwks.json', callback).href,
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/app'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
      {
        client_id: 'resource-server',
        client_secret: 'introspection-secret-that-must-not-leak',
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
    ],
    claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email'] },
    scopes: ['openid', 'offline_access', 'read', 'write', 'admin'],
    conformIdTokenClaims: false,
    findAccount: (context, id) =>
      people[id] && id !== switches.dismissed ? { accountId: id, claims: async () => ({ sub: id, ...people[id] }) } : undefined,
    extraTokenClaims: (context, token) => people[token.accountId],
    // Its own dispatcher refuses loopback addresses, where the host under test publishes its keys.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: (context, token) => token.resourceServer?.accessTokenTTL ?? switches.accessTokenTTL },
    features: {
      devInteractions: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (context, client) => client.clientId === 'resource-server' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: switches.indicators,
        defaultResource: (context, client, one) => one ?? switches.resource ?? undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (context, resource) => resourceServer(resource),
      },
      richAuthorizationRequests: switches.details
        ? {
            enabled: true,
            types: { database: { validate: () => {} } },
            authorizationDetailsForGrantSource: (context) => JSON.parse(context.oidc.params.authorization_details),
            authorizationDetailsForAccessToken: (context, token, source) => source.rar,
            authorizationDetailsForIntrospection: (context, token) => token.rar,
          }
        : { enabled: false },
    },
  });
  provider.on('grant.success', ({ body }) => issued.push(body.access_token, body.refresh_token, body.id_token));
  for (const event of ['server_error', 'grant.error', 'authorization.error', 'introspection.error']) {
    provider.on(event, (context, error) => console.error(event, error.message, error.error_detail ?? error.error_description));
  }
}

async function control(request, response) {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { rotate: rotated, ...turned } = JSON.parse(body || '{}');
  Object.assign(switches, turned);
  if (rotated) rotate();
  make();
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ asked, issued: issued.filter(Boolean) }));
  asked = [];
}

rotate();
make();
createServer((request, response) => {
  if (request.url === '/control') return void control(request, response);
  asked.push(`${request.method} ${request.url.split('?')[0]}`);
  if (switches.away) return;
  provider.callback()(request, response);
}).listen(Number(port), '127.0.0.1', () => console.log(provider.issuer));
