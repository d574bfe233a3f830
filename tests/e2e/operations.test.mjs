// SPDX-License-Identifier: LGPL-2.1-or-later
// What who runs a server of many channels needs: figures, limits, logs, certificates.
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { onair, openBrowser, openPage, publishUrl } from './lib/browser.mjs';
import { freePorts, startChannelServer } from './lib/live_server.mjs';
import { eventually, root, run } from './lib/process.mjs';

const kRequest = {
  hls: [{ video: { width: 640, height: 360, fps: 30, bps: 1_000_000 }, audio: { bps: 64_000 } }],
  hold_seconds: 20,
};

let dir;

before(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'onair-operations-'));
});

after(() => rm(dir, { recursive: true, force: true }));

// A server in a folder of its own, which goes with the test.
async function start(t, options, more = {}) {
  const data = await mkdtemp(path.join(dir, 'data-'));
  const server = await startChannelServer(data, { options, ...more });
  t.after(() => server.program.stop());
  return server;
}

// The samples of a scrape, by name and labels.
async function scrape(server, token = 'figures') {
  const response = await fetch(`${server.base}/metrics`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const lines = (await response.text()).split('\n').filter((line) => line && !line.startsWith('# '));
  return new Map(lines.map((line) => {
    const [, series, value] = line.match(/^([a-z_]+(?:\{[^}]*\})?) (\S+)$/);
    assert.ok(Number.isFinite(Number(value)), line);
    return [series, Number(value)];
  }));
}

test('figures of a channel that runs, and of the server, are Prometheus\'', { timeout: 120_000 }, async (t) => {
  const server = await start(t, ['--metrics-token', 'figures']);
  const browser = await openBrowser();
  t.after(() => browser.close());
  for (const token of ['', 'guessed']) {
    const { status } = await fetch(`${server.base}/metrics`, { headers: { Authorization: `Bearer ${token}` } });
    assert.equal(status, 401, 'also for who asks from this machine');
  }
  assert.equal((await server.ask('GET', '/v1/channels', undefined, { Authorization: 'Bearer figures' })).status,
    401, 'figures are all that their token is for');
  const channel = await server.make(kRequest);
  const label = `channel="${channel.id}"`;
  const page = await openPage(await browser.newContext(), publishUrl(server.publish(channel)));
  await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
  const figures = await eventually('figures of four segments', async () => {
    const samples = await scrape(server);
    return samples.get(`onair_channel_segments_total{${label}}`) >= 4 && samples;
  }, 30_000);
  assert.equal(figures.get('onair_channels{state="running"}'), 1);
  assert.equal(figures.get('onair_publishers'), 1);
  assert.equal(figures.get('onair_worker_starts_total'), 1);
  assert.equal(figures.get('onair_worker_crashes_total'), 0);
  assert.equal(figures.get('onair_http_requests_total{code="201",route="whip"}'), 1);
  assert.equal(figures.get('onair_http_requests_total{code="401",route="metrics"}'), 2);
  assert.ok(figures.get('process_open_fds') > 3);
  for (const kind of ['audio', 'video']) {
    const target = figures.get(`onair_channel_buffer_target_seconds{${label},kind="${kind}"}`);
    assert.ok(target >= 0 && target < 2, `${target} s of buffer`);
    assert.ok(figures.has(`onair_channel_packets_late_total{${label},kind="${kind}"}`));
  }
  assert.ok(figures.get(`onair_channel_parts_total{${label}}`) >= 12, 'of four segments');
  assert.ok(figures.get(`onair_channel_part_delay_seconds{${label}}`) < 1);
  await page.close();
  await server.ask('DELETE', `/v1/channels/${channel.id}`);
  assert.ok([...(await scrape(server)).keys()].every((series) => !series.includes(label)), 'they go with the channel');
});

test('proxies that are trusted say who asks and by which name, others do not', async (t) => {
  const server = await start(t, ['--trusted-proxies', '127.0.0.1', '--requests-per-second', '0.25']);
  const forwarded = (from) => ({ 'X-Forwarded-For': `203.0.113.9, ${from}`, 'X-Forwarded-Proto': 'http, https',
                                 'X-Forwarded-Host': 'evil.example.com, live.example.com' });
  const ask = (from) => server.ask('POST', '/v1/channels', kRequest, forwarded(from));
  const { status, json } = await ask('192.0.2.1');
  assert.equal(status, 201);
  assert.match(json.whip_url, /^https:\/\/live\.example\.com\/v1\/channels\//);
  assert.match(json.playlist_url, /^https:\/\/live\.example\.com:\d+\//);
  const refused = await ask('192.0.2.1');
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get('retry-after'), /^[1-4]$/);
  assert.match(refused.json.detail, /requests-per-second of the server is 0\.25\./);
  assert.equal((await ask('192.0.2.2')).status, 201, 'another address');
  for (let i = 0; i < 5; i += 1) assert.equal((await fetch(`${server.base}/healthz`)).status, 200);

  const bare = await start(t, ['--requests-per-second', '0.25']);
  const made = await bare.ask('POST', '/v1/channels', kRequest, forwarded('192.0.2.1'));
  assert.ok(made.json.whip_url.startsWith(`${bare.base}/`), made.json.whip_url);
  assert.equal((await bare.ask('GET', '/v1/channels', undefined, forwarded('192.0.2.2'))).status, 429,
    'all of them are the one who asks');
});

test('one address publishes to so many channels, and no more', { timeout: 120_000 }, async (t) => {
  const server = await start(t, ['--publishers-per-address', '1', '--trusted-proxies', '127.0.0.1']);
  const browser = await openBrowser();
  t.after(() => browser.close());
  const [first, second] = [await server.make(kRequest), await server.make(kRequest)];
  const page = await openPage(await browser.newContext(), publishUrl(server.publish(first)));
  await eventually('publisher is live', async () => (await onair(page)).state === 'live', 20_000);
  const offer = ({ whip_url: url, publish_token: token }, headers = {}) => fetch(url, {
    method: 'POST', body: 'v=0', headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}`, ...headers },
  });
  const refused = await offer(second);
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get('retry-after'), /^\d+$/);
  assert.match((await refused.json()).detail, /publishes to 1 channel/);
  assert.notEqual((await offer(first)).status, 429, 'it may come back to its own');
  assert.equal((await offer(second, { 'X-Forwarded-For': '192.0.2.1' })).status, 400, 'another address may try');
  assert.equal((await scrape(server, 'api-secret')).get('onair_publishers_refused_total{reason="limit"}'), 1);
  await page.getByRole('button', { name: 'Stop' }).click();
  await eventually('it is idle', async () => (await server.channel(first.id)).state === 'idle', 10_000);
  assert.equal((await offer(second)).status, 400, 'there is a place again');
});

test('lines of the diary are JSON, of channels\' processes too', { timeout: 120_000 }, async (t) => {
  const server = await start(t, ['--log-format', 'json'], { port: await freePorts() }); // nothing is built
  const channel = await server.make(kRequest);
  const asked = await fetch(channel.whip_url, { method: 'POST', body: 'v=0',
    headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${channel.publish_token}` } });
  assert.equal(asked.status, 400);
  await server.program.stop();
  const all = server.program.output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  const rest = server.program.output.split('\n').filter((line) => line && !line.startsWith('{'));
  assert.ok(rest.every((line) => /^(channels|api|api-token) /.test(line)), rest.join('\n'));
  for (const { time, level, message } of all) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.now() - Date.parse(time)) < 120_000, time);
    assert.match(level, /^(info|warning|error)$/);
    assert.ok(message);
  }
  const said = (id) => all.filter(({ channel: its }) => its === id).map(({ message }) => message);
  assert.deepEqual(said(undefined), ['stopping', 'stopped']);
  assert.ok(['made', 'starting', 'stopping (the server)'].every((message) => said(channel.id).includes(message)),
    said(channel.id).join('\n'));
});

// A certificate for this machine, made now; its files in the folder of this test.
async function makeCertificate(name) {
  const files = { certificate: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) };
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1',
    '-keyout', files.key, '-out', files.certificate]);
  return files;
}

// Over TLS, by a client that trusts `ca` alone: status, body, and who has answered.
function askSecurely(url, ca, { method = 'GET', body } = {}) {
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method, ca, agent: false, headers: {
      Authorization: 'Bearer api-secret', 'Content-Type': 'application/json' } }, async (response) => {
      const name = response.socket.getPeerCertificate().subject.CN;
      let text = '';
      for await (const piece of response.setEncoding('utf8')) text += piece;
      resolve({ status: response.statusCode, json: text.startsWith('{') ? JSON.parse(text) : null, name });
    });
    request.once('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

// Files that a server is given, which hold the first of two certificates until they are renewed.
async function makeRenewal(...names) {
  const [first, second] = [await makeCertificate(names[0]), await makeCertificate(names[1])];
  const files = { certificate: path.join(dir, `${names[0]}-used.pem`), key: path.join(dir, `${names[0]}-used.key`) };
  const use = async ({ certificate, key }) => {
    await copyFile(certificate, files.certificate);
    await copyFile(key, files.key);
  };
  await use(first);
  const cas = await Promise.all([first, second].map(({ certificate }) => readFile(certificate)));
  return { files, second, renew: () => use(second), cas };
}

test('TLS is by the certificate that is given, and by its successor after SIGHUP', { timeout: 60_000 }, async (t) => {
  const { files, second, renew, cas } = await makeRenewal('first', 'second');
  const server = await start(t, ['--tls-certificate', files.certificate, '--tls-key', files.key,
    '--hls-url', 'https://cdn.example.com']);
  const base = `https://127.0.0.1:${server.port}`;
  assert.match(server.program.output, new RegExp(`^api ${base}/v1/channels$`, 'm'));
  const made = await askSecurely(`${base}/v1/channels`, cas[0], { method: 'POST', body: kRequest });
  assert.equal(made.status, 201);
  assert.equal(made.name, 'first');
  assert.equal(made.json.whip_url, `${base}/v1/channels/${made.json.id}/whip`);
  assert.ok(made.json.playlist_url.startsWith('https://cdn.example.com/'));
  await assert.rejects(askSecurely(`${base}/healthz`, cas[1]), /self.signed/i, 'it is the given one');
  await assert.rejects(fetch(`http://127.0.0.1:${server.port}/healthz`), undefined, 'no plain HTTP');

  await copyFile(second.certificate, files.certificate); // half a renewal
  server.program.child.kill('SIGHUP');
  await server.program.says(/error: tls-key .* is not the key of the certificate .* stays as it was\./, 10_000);
  assert.equal((await askSecurely(`${base}/healthz`, cas[0])).name, 'first');
  await renew();
  server.program.child.kill('SIGHUP');
  await server.program.says(/files are read again/, 10_000);
  assert.equal((await askSecurely(`${base}/healthz`, cas[1])).name, 'second');
});

test('without a cache in front playlists are by TLS too', { timeout: 120_000 }, async (t) => {
  const { files, renew, cas } = await makeRenewal('early', 'late');
  const server = await start(t, ['--tls-certificate', files.certificate, '--tls-key', files.key]);
  const base = `https://127.0.0.1:${server.port}`;
  const { json: channel } = await askSecurely(`${base}/v1/channels`, cas[0], { method: 'POST', body: kRequest });
  assert.equal(channel.playlist_url, `https://127.0.0.1:${server.port + 2}/${channel.id}/master.m3u8`);
  await assert.rejects(fetch(channel.playlist_url.replace('https', 'http')), undefined, 'no plain HTTP');

  const browser = await openBrowser();
  t.after(() => browser.close());
  const context = await browser.newContext({ ignoreHTTPSErrors: true }); // nobody vouches for the certificate
  const studio = await openPage(context,
    publishUrl(`${base}/channels/${channel.id}/publish#token=${channel.publish_token}`));
  await eventually('publisher is live', async () => (await onair(studio)).state === 'live', 20_000);
  const watcher = await openPage(context, `${base}/channels/${channel.id}/watch`);
  await eventually('it is watched', async () => (await onair(watcher)).time > 3, 30_000);
  assert.equal((await askSecurely(channel.playlist_url, cas[0])).name, 'early');

  await renew();
  server.program.child.kill('SIGHUP');
  await server.program.says(/files are read again/, 10_000);
  const { status, name } = await askSecurely(channel.playlist_url, cas[1]);
  assert.deepEqual({ status, name }, { status: 200, name: 'late' });
  const { time } = await onair(watcher);
  await eventually('it goes on', async () => (await onair(watcher)).time > time + 3, 20_000);
  assert.deepEqual(studio.problems, []);
  assert.deepEqual(watcher.problems, []);
});

test('certificates that can\'t be used are refused with a reason', { timeout: 60_000 }, async (t) => {
  const [one, other] = [await makeCertificate('one'), await makeCertificate('other')];
  const encrypted = path.join(dir, 'encrypted.key');
  await run('openssl', ['pkey', '-in', one.key, '-aes128', '-passout', 'pass:secret', '-out', encrypted]);
  const both = path.join(dir, 'both.pem');
  await writeFile(both, `${await readFile(one.key, 'utf8')}${await readFile(one.certificate, 'utf8')}`);
  const cdn = ['--hls-url', 'https://cdn.example.com'];
  const cases = [
    [['--tls-certificate', path.join(dir, 'none.pem'), ...cdn], /tls-certificate can't be read: .*none\.pem.*No such file/],
    [['--tls-certificate', one.key, ...cdn], /tls-certificate '.*one\.key' has no certificate in PEM form\./],
    [['--tls-certificate', one.certificate, ...cdn], /tls-certificate '.*one\.pem' has no private key in PEM form/],
    [['--tls-certificate', one.certificate, '--tls-key', other.key, ...cdn], /tls-key '.*other\.key' is not the key of/],
    [['--tls-certificate', one.certificate, '--tls-key', encrypted, ...cdn], /can be read without a passphrase\./],
    [['--tls-key', one.key, ...cdn], /--tls-key needs a certificate/],
  ];
  for (const [options, reason] of cases)
    await assert.rejects(start(t, options), reason, options.join(' '));
  await start(t, ['--tls-certificate', both, ...cdn]);
});

test('the unit for systemd is understood, and every setting is on the page and in the example', async () => {
  const folder = path.join(root, 'examples/live-server');
  const unit = await readFile(path.join(folder, 'onair-live-server.service'), 'utf8');
  const program = path.join(root, 'build/examples/live-server/onair-live-server');
  const copy = path.join(dir, 'onair-live-server.service');
  const installed = /^(ExecStart=)(\S+)/m;
  assert.match(unit, installed);
  await writeFile(copy, unit.replace(installed, `$1${program}`));
  const { err } = await run('systemd-analyze', ['verify', '--man=no', copy], { keepsErrors: true });
  assert.equal(err, '', 'it says what it does not know, and goes on');
  assert.match(unit, /^KillMode=process$/m, 'workers outlive a server that has died');
  const [, ...options] = unit.match(/^ExecStart=(.*)$/m)[1].split(' ');

  const help = (await run(program, ['--help'])).toString();
  const settings = [...help.matchAll(/^ {2}--(?:no-)?([a-z-]+) /gm)].map(([, name]) => name)
    .filter((name) => !['config', 'help'].includes(name));
  assert.ok(settings.length > 30, help);
  for (const option of options.filter((word) => word.startsWith('--') && word !== '--config'))
    assert.ok(settings.includes(option.slice(2)), option);
  const page = await readFile(path.join(root, 'docs/operating.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|')[1]);
  const example = await readFile(path.join(folder, 'example.conf'), 'utf8');
  for (const name of settings)
    assert.ok(rows.some((row) => row.includes(`\`${name}\``)), `${name} is not on the page`);
  for (const [, name] of example.matchAll(/^#?([a-z-]+) = /gm)) assert.ok(settings.includes(name), name);
});
