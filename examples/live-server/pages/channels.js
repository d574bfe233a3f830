// SPDX-License-Identifier: LGPL-2.1-or-later
// All channels of the server, as they change. The API token is in the fragment, which browsers send to no server.
// For automation: window.channels = Map of what the API says, by id.

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

// ---- one channel

function link(words, href) {
  const anchor = document.createElement('a');
  anchor.textContent = words;
  anchor.href = href;
  anchor.target = '_blank';
  return anchor;
}

function button(words, call) {
  const made = document.createElement('button');
  made.textContent = words;
  made.className = 'button';
  made.onclick = () => call().catch((error) => say('error', error.message));
  return made;
}

function card(channel) {
  const { id, state, message } = channel;
  const item = document.createElement('li');
  item.id = `channel-${id}`;
  item.dataset.state = state;
  const title = document.createElement('h2');
  title.textContent = id;
  const line = document.createElement('p');
  line.textContent = `${state}${message ? `: ${message}` : ''}`;
  const doors = document.createElement('nav');
  doors.append(
    link('Studio', `/channels/${id}/publish#token=${channel.publish_token}`),
    link('Watch', `/channels/${id}/watch`),
    button('End', () => ask('POST', `/v1/channels/${id}/stop`)),
    button('Delete', () => ask('DELETE', `/v1/channels/${id}`)),
  );
  item.append(title, line, doors);
  return item;
}

function show(channel) {
  channels.set(channel.id, channel);
  const old = $(`channel-${channel.id}`);
  if (old) old.replaceWith(card(channel));
  else $('channels').append(card(channel));
  summarize();
}

function forget({ id }) {
  channels.delete(id);
  $(`channel-${id}`)?.remove();
  summarize();
}

function summarize() {
  const running = [...channels.values()].filter(({ state }) => state === 'running').length;
  say('ready', channels.size === 0 ? 'There are no channels yet.'
    : `${channels.size} ${channels.size === 1 ? 'channel' : 'channels'}, ${running} on the air.`);
}

// ---- what changes

const kEvents = { channel: show, deleted: forget };

function take(block) {
  const field = (name) => block.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1];
  const data = field('data');
  if (data) kEvents[field('event')]?.(JSON.parse(data));
}

// EventSource cannot send a token.
async function follow() {
  const response = await ask('GET', '/v1/events');
  $('token-form').hidden = true;
  $('create').hidden = false;
  channels.clear();
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
    await follow();
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
