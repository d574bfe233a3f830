// SPDX-License-Identifier: LGPL-2.1-or-later
// All channels of the server, as they change. The API token is in the fragment, which browsers send to no server.
// For automation: window.channels = Map of what the API says, by id; window.cards = of what is shown.

import { ChannelCard } from './channel-card.js';

const $ = (id) => document.getElementById(id);
const channels = new Map();
window.channels = channels;

const kAgainMs = 2_000;
const kNewChannel = {
  hls: [{ video: { width: 1280, height: 720, fps: 30, bps: 2_500_000 }, audio: { bps: 128_000 } }],
};

let token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';

async function ask(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (response.ok) return response;
  const { detail } = await response.json().catch(() => ({}));
  const error = new Error(detail ?? `The server answered ${path} with an error (${response.status}).`);
  error.status = response.status;
  throw error;
}

function say(state, words) {
  document.body.dataset.state = state;
  $('state').textContent = words;
}

// ---- each channel

const cards = new Map();
window.cards = cards;

const perform = (call) => () => call().catch((error) => say('error', error.message));

// Behind another one, or at the end. `target` is where the API has it.
function showCard(what, target, former) {
  const { id } = what;
  if (cards.has(id)) {
    cards.get(id).show(what);
    return;
  }
  const card = new ChannelCard(what, [
    // Not of one connection.
    ...'paused' in what ? [[({ paused }) => (paused ? 'Resume' : 'Pause'), perform(() =>
      ask('POST', `${target}/${channels.get(id).paused ? 'resume' : 'pause'}`))]] : [],
    [() => 'End', perform(() => ask('POST', `${target}/stop`))],
    [() => 'Delete', perform(async () => {
      if (window.confirm(`Delete ${id}, and all that viewers can still see of it?`)) await ask('DELETE', target);
    })],
  ]);
  cards.set(id, card);
  if (former) former.element.after(card.element);
  else $('channels').append(card.element);
}

function hideCard(id) {
  cards.get(id)?.element.remove();
  cards.delete(id);
}

// A connection as the pages have it.
const idOf = (channel, connection) => (connection ? `${channel}-${connection}` : channel);

function show(channel) {
  const { id, request, playlists = [] } = channel;
  const former = channels.get(id)?.playlists ?? [];
  channels.set(id, channel);
  const target = `/v1/channels/${id}`;
  showCard(channel, target);
  const lively = playlists.filter(({ state }) => state !== 'ended');
  for (const { connection_id: connection, ...rest } of lively)
    showCard({ ...rest, id: idOf(id, connection), request }, `${target}/connections/${connection}`, cards.get(id));
  const shown = new Set(lively.map(({ connection_id: connection }) => connection));
  for (const { connection_id: connection } of former) if (!shown.has(connection)) hideCard(idOf(id, connection));
  summarize();
}

function follow({ id, connection_id: connection, stats }) {
  cards.get(idOf(id, connection))?.follow(stats);
}

function forget({ id }) {
  for (const { connection_id: connection } of channels.get(id)?.playlists ?? []) hideCard(idOf(id, connection));
  channels.delete(id);
  hideCard(id);
  summarize();
}

function summarize() {
  const running = [...channels.values()].filter(({ state }) => state === 'running').length;
  say('ready', channels.size === 0 ? 'There are no channels yet.'
    : `${channels.size} ${channels.size === 1 ? 'channel' : 'channels'}, ${running} on the air.`);
}

// ---- what changes

const kEvents = { channel: show, stats: follow, deleted: forget };

function take(block) {
  const field = (name) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
  const data = field('data');
  if (data) kEvents[field('event')]?.(JSON.parse(data));
}

// EventSource cannot send a token.
async function listen() {
  const response = await ask('GET', '/v1/events');
  $('token-form').hidden = true;
  $('create').hidden = false;
  channels.clear();
  cards.clear();
  $('channels').replaceChildren();
  summarize();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ;) {
    const { value, done } = await reader.read();
    if (done) throw new Error('The server has closed the connection.');
    const blocks = (text + value).split('\n\n');
    text = blocks.pop();
    blocks.forEach(take);
  }
}

async function run() {
  try {
    await listen();
  } catch (error) {
    const isRefused = error.status === 401;
    $('token-form').hidden = !isRefused;
    say('error', isRefused ? error.message : `${error.message} Trying again.`);
    if (!isRefused) setTimeout(run, kAgainMs);
  }
}

$('token-form').onsubmit = (event) => {
  event.preventDefault();
  token = $('token').value;
  run();
};
$('create').onclick = () =>
  ask('POST', '/v1/channels', kNewChannel).catch((error) => say('error', error.message));
run();
