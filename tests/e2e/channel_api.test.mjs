// SPDX-License-Identifier: LGPL-2.1-or-later
// The channel API and the OpenAPI file that describes it: what is answered is as described, what is described is
// answered, and what the file says of a request is what the server takes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { root } from './lib/process.mjs';

const file = path.join(root, 'examples/live-server/api/openapi.json');
const answers = path.join(root, 'build/tests/channel_api/channel-api-answers');
const openApi = JSON.parse(readFileSync(file, 'utf8'));

// Answers may grow; here every field of them is described.
const strict = structuredClone(openApi);
for (const [name, schema] of Object.entries(strict.components.schemas))
  if (schema.properties && !['ChannelRequest', 'ArchiveDestinationRequest'].includes(name)) closed(schema);
function closed(schema) {
  if (schema.properties) schema.additionalProperties ??= false;
  Object.values(schema.properties ?? {}).forEach(closed);
  if (schema.items) closed(schema.items);
}

const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(strict, 'openapi');
const escaped = (key) => encodeURIComponent(String(key).replaceAll('~', '~0').replaceAll('/', '~1'));
const pointerTo = (...keys) => `openapi#/${keys.map(escaped).join('/')}`;
function mistakes(value, ...keys) {
  const validate = ajv.getSchema(pointerTo(...keys));
  assert.ok(validate, `no schema at ${keys.join(' ')}`);
  return validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`);
}
// Where a reference leads, as keys.
function followed(...keys) {
  const at = keys.reduce((value, key) => value?.[key], strict);
  return at?.$ref ? at.$ref.slice(2).split('/') : keys;
}
const described = (...keys) => keys.reduce((value, key) => value?.[key], strict);

function ask(requests) {
  const input = requests.map((request) => `${JSON.stringify(request)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(answers, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(status, 0, stderr);
  const replies = stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  assert.equal(replies.length, requests.length);
  return replies;
}

const channel = {
  hls: [
    {
      durationSeconds: 1, startTimeOffset: -2, archive: { archive_destination_id: '' },
      video: { width: 640, height: 480, fps: 30, bps: 1000000, codec: 'h264_high', fit: 'crop', upscale: false },
      audio: { bps: 64000 },
    },
    { durationSeconds: 1, audio: {} },
  ],
  encrypt_key_uri: 'https://example.com/keys', auth_webhook_url: 'https://example.com:8443/auth?a=%20b',
  event_webhook_url: 'http://[::1]:9000/', hold_seconds: 0.5, time_shift_hours: 168, low_latency: false,
  multi: false, environment: 0,
};
const fed = {
  hls: [{ audio: {} }],
  rtp: { audio: { port: 0 }, video: { port: 5006, rtcp_port: 5007, payload_type: 108, ssrc: 4294967295 }, from: '::1' },
};
const multi = JSON.stringify({ ...channel, multi: true });
const bucket = {
  bucket_uri: 's3://talks/2026/', endpoint_url: 'https://s3.example.com:8443', aws_region: 'eu-west-1',
  aws_access_key_id: 'AKIA1', aws_secret_access_key: 'wJalr/K7MDENG=', gcp_credential_json: '',
};
const json = { Authorization: 'Bearer right', 'Content-Type': 'application/json' };
const call = (method, path, expected, more = {}) => ({ method, path, headers: json, body: '', expected, ...more });
const imageFlux = (operation, expected, body, more = {}) => ({
  method: 'POST', path: '/', headers: { ...json, 'X-Sora-Target': `ImageFlux_20180905.${operation}` },
  body: typeof body === 'string' ? body : JSON.stringify(body), expected, ...more,
});
const body = JSON.stringify(channel);
const noToken = { headers: { 'Content-Type': 'application/json' } };
const wrongToken = { headers: { ...json, Authorization: 'Bearer wrong' } };
const refusals = [['too-many-channels', 429], ['too-many-requests', 429], ['unavailable', 503], ['failed', 500]];

// In this order: channel-1 is made by the first of them, and so on.
const calls = [
  call('GET', '/v1/channels', 200),
  call('GET', '/v1/channels', 401, noToken),
  call('POST', '/v1/channels', 201, { body }),
  call('POST', '/v1/channels', 201, { body: '{"hls":[{"audio":{}}]}' }),
  call('GET', '/v1/channels', 200),
  call('POST', '/v1/channels', 400, { body: '{"hls":[{"audio":{"bps":0}}]}' }),
  call('POST', '/v1/channels', 400, { body: '{' }),
  call('POST', '/v1/channels', 401, { body, ...wrongToken }),
  call('POST', '/v1/channels', 415, { body, headers: { ...json, 'Content-Type': 'text/plain' } }),
  ...refusals.map(([problem, status]) => call('POST', '/v1/channels', status, { body, problem })),
  call('PUT', '/v1/channels', 405),
  call('GET', '/v1/channels/channel-1', 200),
  call('GET', '/v1/channels/channel-1', 401, noToken),
  call('GET', '/v1/channels/nobody', 404),
  call('PATCH', '/v1/channels/channel-1', 405),
  call('POST', '/v1/channels/channel-1/stop', 202),
  call('POST', '/v1/channels/channel-1/stop', 401, wrongToken),
  call('POST', '/v1/channels/nobody/stop', 404),
  call('GET', '/v1/channels/channel-1/stop', 405),
  ...['pause', 'resume'].flatMap((what) => [
    call('POST', `/v1/channels/channel-1/${what}`, 202),
    call('POST', `/v1/channels/channel-1/${what}`, 401, wrongToken),
    call('POST', `/v1/channels/nobody/${what}`, 404),
    call('GET', `/v1/channels/channel-1/${what}`, 405),
  ]),
  call('DELETE', '/v1/channels/channel-1', 401, noToken),
  call('DELETE', '/v1/channels/channel-1', 204),
  call('DELETE', '/v1/channels/channel-1', 404),
  call('GET', '/v1/channels/channel-2/archives', 200),
  call('GET', '/v1/channels/channel-2/archives', 401, noToken),
  call('GET', '/v1/channels/nobody/archives', 404),
  call('PUT', '/v1/channels/channel-2/archives', 405),
  call('GET', '/v1/archive-destinations', 401, noToken),
  call('POST', '/v1/archive-destinations', 201, { body: JSON.stringify(bucket) }),
  call('POST', '/v1/archive-destinations', 201, { body: '{"bucket_uri":"file:///srv/archive"}' }),
  call('POST', '/v1/archive-destinations', 400, { body: '{"bucket_uri":"/srv/archive"}' }),
  call('POST', '/v1/archive-destinations', 401, { body: JSON.stringify(bucket), ...wrongToken }),
  call('POST', '/v1/archive-destinations', 415,
    { body: JSON.stringify(bucket), headers: { ...json, 'Content-Type': 'text/plain' } }),
  ...refusals.map(([problem, status]) =>
    call('POST', '/v1/archive-destinations', status, { body: JSON.stringify(bucket), problem })),
  call('PUT', '/v1/archive-destinations', 405),
  call('GET', '/v1/archive-destinations', 200),
  call('GET', '/v1/archive-destinations/destination-1', 200),
  call('GET', '/v1/archive-destinations/destination-2', 200),
  call('GET', '/v1/archive-destinations/destination-1', 401, noToken),
  call('GET', '/v1/archive-destinations/nowhere', 404),
  call('POST', '/v1/archive-destinations/destination-1', 405),
  call('POST', '/v1/channels', 201,
    { body: '{"hls":[{"audio":{},"archive":{"archive_destination_id":"destination-2"}}]}' }),
  call('DELETE', '/v1/archive-destinations/destination-2', 409),
  call('DELETE', '/v1/archive-destinations/destination-1', 401, noToken),
  call('DELETE', '/v1/archive-destinations/destination-1', 204),
  call('DELETE', '/v1/archive-destinations/destination-1', 404),
  call('GET', '/v1/encrypt-keys/channel-1.check.0', 200),
  call('GET', '/v1/encrypt-keys/channel-1.check.0', 401, noToken),
  call('GET', '/v1/encrypt-keys/channel-1.check.1', 404),
  call('DELETE', '/v1/encrypt-keys/channel-1.check.0', 405),
  call('GET', '/v1/encrypt-keys', 404),
  call('GET', '/v1/nowhere', 404),
  call('POST', '/v1/channels', 201, { body: multi }),
  call('GET', '/v1/channels/channel-4', 200),
  call('POST', '/v1/channels/channel-4/connections/connection-1/stop', 202),
  call('POST', '/v1/channels/channel-4/connections/connection-1/stop', 401, noToken),
  call('POST', '/v1/channels/channel-4/connections/nobody/stop', 404),
  call('GET', '/v1/channels/channel-4/connections/connection-1/stop', 405),
  call('DELETE', '/v1/channels/channel-4/connections/connection-1', 401, wrongToken),
  call('DELETE', '/v1/channels/channel-4/connections/connection-1', 204),
  call('DELETE', '/v1/channels/channel-4/connections/nobody', 404),
  call('GET', '/v1/channels/channel-4/connections/connection-1', 405),
  imageFlux('ListPlaylistURLs', 200, { channel_id: 'channel-4' }),
  imageFlux('CreateMultistreamChannelWithHLS', 200, { ...channel, multi: true }),
  imageFlux('CreateChannel', 200, channel),
  imageFlux('CreateChannelWithHLS', 200, channel),
  imageFlux('CreateMultistreamChannelWithHLS', 200, channel),
  imageFlux('CreateChannel', 200, fed),
  imageFlux('CreateChannel', 400, { hls: [] }),
  imageFlux('CreateChannel', 401, channel, wrongToken),
  imageFlux('CreateNothing', 400, {}, { isBeyondSchema: true }),
  imageFlux('CreateMultistreamChannel', 501, {}),
  imageFlux('CreateArchiveDestination', 200, bucket),
  imageFlux('CreateArchiveDestination', 400, { ...bucket, aws_region: 'EU' }),
  imageFlux('ListArchiveDestination', 200, {}),
  imageFlux('ListArchiveDestinations', 200, {}),
  imageFlux('DeleteArchiveDestination', 409, { archive_destination_id: 'destination-2' }),
  imageFlux('DeleteArchiveDestination', 200, { archive_destination_id: 'destination-3' }),
  imageFlux('DeleteArchiveDestination', 404, { archive_destination_id: 'destination-3' }),
  imageFlux('DeleteArchiveDestination', 400, { archive_destination_id: '' }),
  ...refusals.map(([problem, status]) => imageFlux('CreateChannel', status, channel, { problem })),
  imageFlux('ListChannelIDs', 200, {}),
  imageFlux('ListChannelIDs', 200, ''),
  imageFlux('ListPlaylistURLs', 200, { channel_id: 'channel-6' }),
  imageFlux('ListPlaylistURLs', 404, { channel_id: 'nobody' }),
  imageFlux('ListPlaylistURLs', 400, { channel_id: 3 }),
  call('POST', '/v1/channels', 201, { body: JSON.stringify(fed) }),
  call('POST', '/v1/channels', 400, { body: '{"hls":[{"audio":{}}],"rtp":{}}' }),
  call('POST', '/v1/channels', 400, { body: JSON.stringify({ ...fed, multi: true }) }),
  imageFlux('GetEncryptKey', 200, { kid: 'channel-1.check.0' }),
  imageFlux('GetEncryptKey', 404, { kid: 'channel-1.check.1' }),
  imageFlux('GetEncryptKey', 400, { kid: 'a key' }),
  imageFlux('DeleteChannel', 200, { channel_id: 'channel-6' }),
  imageFlux('DeleteChannel', 404, { channel_id: 'channel-6' }),
];

// What stands in front of the API, or beside it, in the server.
const servedElsewhere = [
  '/v1/channels/{id}/events', '/v1/events', '/v1/channels/{id}/whip', '/v1/channels/{id}/whip/{session}',
  '/v1/openapi.json',
];
const answeredElsewhere = ['413', '429']; // before the API is asked

const templates = Object.keys(openApi.paths).map((template) => [
  template, new RegExp(`^${template.replaceAll(/\{[^}]*\}/g, '[^/]+')}$`),
]);
const templateOf = (request) => templates.find(([, pattern]) => pattern.test(request.path))?.[0];
const tested = new Set();

// Where the file describes such a reply, as keys.
function descriptionOf(request, reply) {
  const template = templateOf(request);
  const method = request.method.toLowerCase();
  if (!template) return ['components', 'responses', 'NotFound'];
  if (!described('paths', template, method)) return ['components', 'responses', 'MethodNotAllowed'];
  tested.add(`${method} ${template} ${reply.status}`);
  return followed('paths', template, method, 'responses', reply.status);
}

test('the OpenAPI file is one', async () => {
  const result = await new Validator().validate(openApi);
  assert.ok(result.valid, JSON.stringify(result.errors, null, 2));
  const ids = Object.values(openApi.paths)
    .flatMap((item) => Object.values(item).map((its) => its.operationId))
    .filter(Boolean);
  assert.equal(new Set(ids).size, ids.length);
});

test('every reply is as the OpenAPI file describes it', () => {
  const replies = ask(calls);
  for (const [i, request] of calls.entries()) {
    const reply = replies[i];
    const what = `${request.method} ${request.path} ${request.headers['X-Sora-Target'] ?? ''} ${request.body}: ` +
      JSON.stringify(reply);
    assert.equal(reply.status, request.expected, what);
    const where = descriptionOf(request, reply);
    const response = described(...where);
    assert.ok(response, `not described: ${what}`);
    if (!response.content) {
      assert.equal(reply.body + reply.contentType, '', what);
    } else {
      assert.ok(response.content[reply.contentType], what);
      const wrong = mistakes(JSON.parse(reply.body), ...where, 'content', reply.contentType, 'schema');
      assert.deepEqual(wrong, [], what);
      assert.equal(reply.headers['Cache-Control'], 'no-store', what);
    }
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      assert.ok(reply.headers[name] || !header.required, `${name} is missing: ${what}`);
      if (reply.headers[name])
        assert.deepEqual(mistakes(reply.headers[name], ...where, 'headers', name, 'schema'), [], what);
    }
    if (reply.contentType === 'application/problem+json')
      assert.equal(JSON.parse(reply.body).status, reply.status, what);
    if (reply.headers.Allow) {
      const methods = Object.keys(openApi.paths[templateOf(request)]).filter((key) => key !== 'parameters')
        .map((key) => key.toUpperCase());
      if (methods.includes('GET')) methods.push('HEAD');
      assert.deepEqual(reply.headers.Allow.split(', ').sort(), methods.sort(), what);
    }
  }
  assert.ok(replies.some((reply) => reply.headers['Retry-After']));
});

test('the OpenAPI file describes nothing that was not answered', () => {
  for (const [template, item] of Object.entries(openApi.paths)) {
    if (servedElsewhere.includes(template)) continue;
    for (const [method, operation] of Object.entries(item))
      for (const status of Object.keys(operation.responses ?? {}))
        assert.ok(
          tested.has(`${method} ${template} ${status}`) || answeredElsewhere.includes(status),
          `no test has seen ${method} ${template} answered with ${status}`,
        );
  }
});

test('a request that is answered is as described, and one that is refused for a field is not', () => {
  for (const request of calls) {
    const template = templateOf(request);
    const where = ['paths', template ?? '', request.method.toLowerCase(), 'requestBody', 'content'];
    if (!described(...where) || ['', '{'].includes(request.body) || request.isBeyondSchema) continue;
    const wrong = mistakes(JSON.parse(request.body), ...where, 'application/json', 'schema');
    if (request.expected < 300) assert.deepEqual(wrong, [], request.body);
    if (request.expected === 400) assert.notDeepEqual(wrong, [], request.body);
  }
});

test('what the page in docs tells to send is taken, and no field is missing there', () => {
  const page = readFileSync(path.join(root, 'docs/channel-api.md'), 'utf8');
  const examples = [...page.matchAll(/curl(?:[^'`]|'[^']*')*? \$api(\/\S*)(?: \\\n)? +-d '([^']*)'/g)].map(
    ([command, target, text]) => {
      const [, operation] = command.match(/X-Sora-Target: ([^']*)'/) ?? [];
      const headers = operation ? { ...json, 'X-Sora-Target': operation } : json;
      return call('POST', target, operation ? 200 : 201,
                  { headers, body: text.replace('kq3v9d0a', 'channel-1').replaceAll('…', 'x') });
    });
  assert.equal(examples.length, 7);
  for (const [i, reply] of ask(examples).entries())
    assert.equal(reply.status, examples[i].expected, `${examples[i].body}: ${reply.body}`);
  for (const name of ['ChannelRequest', 'Rendition', 'Video', 'Audio', 'Channel', 'Playlist', 'Problem', 'ArchiveDestinationRequest',
                      'Archive'])
    for (const field of Object.keys(openApi.components.schemas[name].properties))
      assert.match(page, new RegExp(`[\`.]${field}\``), field);
  const statuses = Object.entries(openApi.paths)
    .filter(([template]) => !servedElsewhere.includes(template))
    .flatMap(([, item]) => Object.values(item))
    .flatMap((operation) => Object.keys(operation.responses ?? {}));
  for (const status of new Set(statuses)) assert.match(page, new RegExp(`\\| ${status}\\b`), status);
});

// Mulberry32: the same numbers for the same seed.
function randomNumbers(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

// What a schema has no words for.
const portsDiffer = ({ rtp = {} }) => {
  const given = [rtp.audio?.port, rtp.audio?.rtcp_port, rtp.video?.port, rtp.video?.rtcp_port].filter(Boolean);
  return new Set(given).size === given.length;
};
const isSaidInOneWay = ({ hls }) =>
  [({ durationSeconds }) => durationSeconds, ({ startTimeOffset }) => startTimeOffset,
   ({ archive }) => archive?.archive_destination_id || undefined].every(
    (read) => new Set(hls.map(read).filter((value) => value !== undefined)).size < 2,
  );

test('of archive destinations too', () => {
  const values = [
    null, true, 0, [], {}, '', 'a', 'A', 'a b', 's3://talks', 's3://talks/', 's3://ta', 's3://Talks', 's3://talks//',
    's3://talks/..', 's3://talks/.../x', 's3://talks/a/./b', `s3://${'a'.repeat(63)}`, `s3://${'a'.repeat(64)}`,
    `s3://talks/${'x'.repeat(501)}`, `s3://talks/${'x'.repeat(502)}`, 's3://-talks', 's3://talks/a%20b', 'gs://talks',
    'file:///srv', 'file:///srv/', 'file:///', 'file://srv', 'file:////srv', 'file:///srv/../x', 'https://a.example',
    'https://a.example/', 'https://a.example/x?y', 'https://a.example#x', 'ftp://a.example', `https://a/${'x'.repeat(2038)}`,
    `https://a/${'x'.repeat(2039)}`, 'ä', '~'.repeat(64), 'x'.repeat(64), 'x'.repeat(65), 'x'.repeat(128),
    'x'.repeat(129), '~'.repeat(256), '~'.repeat(257), 'a_b-c.d',
  ];
  const directory = { bucket_uri: 'file:///srv/archive' };
  const names = [...Object.keys(bucket), 'unknown'];
  const bodies = [bucket, directory].flatMap((right) => [right, ...names.flatMap((name) => [
    Object.fromEntries(Object.entries(right).filter(([its]) => its !== name)),
    ...values.map((value) => ({ ...right, [name]: value })),
  ])]);
  const replies = ask(bodies.map((made) => call('POST', '/v1/archive-destinations', 0, { body: JSON.stringify(made) })));
  let taken = 0;
  for (const [i, made] of bodies.entries()) {
    const wrong = mistakes(made, 'components', 'schemas', 'ArchiveDestinationRequest');
    const { status, body: text } = replies[i];
    assert.equal(status, wrong.length ? 400 : 201, `${JSON.stringify(made)}: ${wrong.join(', ')}; ${text}`);
    if (wrong.length) assert.ok(JSON.parse(text).field, text);
    else taken += 1;
    assert.ok(!text.includes(bucket.aws_secret_access_key), text);
  }
  assert.ok(taken > 30 && taken < bodies.length / 2, `${taken} of ${bodies.length} were right`);
});

test('what the schema takes the server takes, and nothing else', () => {
  const seed = Number(process.env.API_SEED ?? randomInt(2 ** 31));
  const below = randomNumbers(seed);
  const pick = (list) => list[below(list.length)];
  const objectsIn = (value) =>
    value === null || typeof value !== 'object' ? []
      : [...(Array.isArray(value) ? [] : [value]), ...Object.values(value).flatMap(objectsIn)];
  const everything = { ...channel, rtp: fed.rtp };
  const names = [...new Set(objectsIn(everything).flatMap(Object.keys)), 'unknown'];
  const values = [
    null, true, false, 0, 1, -1, 2, 3, 35, 36, 37, 38, 60, 61, 0.5, 0.499, 168, 168.1, 3600, 3601,
    127, 128, 5006, 65535, 65536, 4294967295, 4294967296, '192.0.2.1', '192.0.2', '::1', '::ffff:192.0.2.1', { audio: {} },
    4096, 4098, 14999, 15000, 15000000, 15000001, 1000000, 1000001, 86400, 86401, -86400, -86401,
    1e300, -1e300, 640.5, 'h264_main', 'h264_baseline', 'h265', 'letterbox', 'stretch', '', '/a',
    'https://example.com', 'HTTP://a.b_c-d/?#', 'https://', 'https://u@example.com', 'ftp://example.com',
    'https://example.com:0', 'https://example.com:443', 'https://example.com/%zz',
    'https://example.com/%41 ', 'https://ä.example', `https://a/${'x'.repeat(2038)}`,
    `https://a/${'x'.repeat(2039)}`, [], {}, [{}], [{ audio: {} }], { bps: 320000 },
    { archive_destination_id: '' }, { archive_destination_id: 'a' }, { width: 36, height: 36, bps: 15000 },
  ];
  const changed = (change) => {
    const made = structuredClone(everything);
    change(objectsIn(made));
    return made;
  };
  // Each value in each field, wherever that is; then several at a time, at random.
  const places = objectsIn(everything);
  const bodies = places.flatMap((place, i) => [
    ...Object.keys(place).map((name) => changed((objects) => delete objects[i][name])),
    ...names.flatMap((name) => values.map((value) => changed((objects) => (objects[i][name] = value)))),
  ]);
  for (let i = 0; i < 2000; ++i) {
    bodies.push(changed((objects) => {
      for (let changes = 2 + below(3); changes > 0; --changes) pick(objects)[pick(names)] = pick(values);
    }));
  }
  const replies = ask(bodies.map((made) => call('POST', '/v1/channels', 0, { body: JSON.stringify(made) })));
  let taken = 0;
  for (const [i, made] of bodies.entries()) {
    const wrong = mistakes(made, 'components', 'schemas', 'ChannelRequest');
    const isRight = wrong.length === 0 && isSaidInOneWay(made) && portsDiffer(made);
    const { status, body: text } = replies[i];
    assert.equal(status, isRight ? 201 : 400,
                 `seed ${seed}: ${JSON.stringify(made)} has ${wrong.join(', ') || 'no mistake'}; ${text}`);
    if (isRight) {
      // What is told of the channel can be sent again, for another that is the same.
      assert.deepEqual(mistakes(JSON.parse(text).request, 'components', 'schemas', 'ChannelRequest'), []);
      ++taken;
    } else {
      const problem = JSON.parse(text);
      assert.ok(problem.field && problem.detail.startsWith(problem.field), text);
    }
  }
  assert.ok(taken > 100 && taken < bodies.length / 2, `${taken} of ${bodies.length} were right`);
});
