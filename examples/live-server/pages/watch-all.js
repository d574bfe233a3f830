// SPDX-License-Identifier: LGPL-2.1-or-later
// The viewer's page of a channel that takes several broadcasters: all who are on the air, side by side. One at a time
// is heard. For automation: window.tiles = Map of what is shown, by connection.

import { Player } from './player.js';
import { fetchStatus } from './status.js';
import { WatchTile } from './watch-tile.js';

const kPollMs = 1_500;
const kLookMs = 1_000;

const $ = (id) => document.getElementById(id);
const tiles = new Map();
window.tiles = tiles;

function say(state, words) {
  document.body.dataset.state = state;
  $('state').textContent = words;
}

function choose(chosen) {
  const isHeard = chosen.isHeard;
  for (const tile of tiles.values()) tile.isHeard = tile === chosen && !isHeard;
}

function open({ connection_id: id, playlist }) {
  const tile = new WatchTile({
    url: new URL(playlist, location.href).href,
    page: location.pathname.replace(/\/watch$/, `-${id}/watch`),
    name: `Broadcaster ${tiles.size + 1}`,
    onChoose: () => choose(tile),
  });
  tiles.set(id, tile);
  $('tiles').append(tile.element);
}

function close(id) {
  const tile = tiles.get(id);
  tile.stop();
  tile.element.remove();
  tiles.delete(id);
}

function follow({ message, connections }) {
  for (const connection of connections) {
    const { connection_id: id, state } = connection;
    if (!tiles.has(id)) open(connection);
    tiles.get(id).say(state === 'reconnecting' ? connection.message : '');
  }
  const known = new Set(connections.map(({ connection_id: id }) => id));
  for (const [id, tile] of tiles) if (!known.has(id)) tile.leave();
  say(connections.length > 0 ? 'live' : 'waiting', message);
}

async function poll() {
  try {
    follow(await fetchStatus());
  } catch (error) {
    say('error', error.message);
  }
  setTimeout(poll, kPollMs);
}

if (Player.isPossible(document.createElement('video'))) {
  setInterval(() => {
    for (const [id, tile] of [...tiles]) if (!tile.look()) close(id);
  }, kLookMs);
  poll();
} else {
  say('error', 'This browser cannot play HLS. Try Chrome, Edge, Firefox or Safari.');
}
