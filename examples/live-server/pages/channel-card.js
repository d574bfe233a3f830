// SPDX-License-Identifier: LGPL-2.1-or-later
// One channel, or one of its connections where it takes several broadcasters, on the page of all: what is on the air, how
// it is, and what can be done.

import { Graph } from './graph.js';

const kThumbnailMs = 4_000;  // as often as the server makes one

const kOnAir = ['running', 'reconnecting', 'stopping'];

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const longestBuffer = (streams) =>
  Object.values(streams).reduce((most, { buffer_ms: ms }) => Math.max(most, ms), -1);

// Sound or picture, whichever viewers have to wait for.
const slowest = (streams) => Object.values(streams)
  .filter(({ decoded_ms: decoded, encoded_ms: encoded }) => Number.isFinite(decoded) && Number.isFinite(encoded))
  .sort((one, other) => other.encoded_ms - one.encoded_ms)[0];

const stagesOf = (stream, latency) => (stream
  ? [Math.max(0, stream.decoded_ms), Math.max(0, stream.encoded_ms - stream.decoded_ms), latency.delay_ms ?? 0]
  : [null, null, null]);

export class ChannelCard {
  #id;
  #state = element('p', { className: 'state' });
  #picture = element('img', { alt: '', hidden: true, width: 320, height: 180 });
  #thumbnailAt = 0;
  #buttons = [];  // each puts its words on
  #late = null;  // packets until now, and when
  #graphs = {
    buffer: new Graph('Network buffer', { unit: 'ms', least: 50,
      hint: 'How long missing packets are waited for; it follows the network' }),
    late: new Graph('Late packets', { unit: '/s', digits: 1, least: 2,
      hint: 'Packets that came when later ones had gone out' }),
    offset: new Graph('Picture behind sound', { unit: 'ms', least: 40,
      hint: 'By how much the picture came later than its sound, which has been made good' }),
    segment: new Graph('Segment', { unit: 's', digits: 2, least: 1,
      hint: 'How long the newest segment is; the line is what they are meant to be' }),
    delay: new Graph('Delay', { unit: 'ms', least: 200, series: ['received', 'encoded', 'listed'],
      hint: 'From arrival until it is decoded, encoded, and listed for viewers' }),
  };

  element = element('li');

  // `actions`: [words of a channel, call] of the buttons.
  constructor(channel, actions) {
    this.#id = channel.id;
    this.element.id = `channel-${channel.id}`;
    const pages = `/channels/${channel.id}`;
    const link = (words, href) => element('a', { textContent: words, href, target: '_blank' });
    const stage = element('a', { className: 'thumbnail', href: `${pages}/watch`, target: '_blank' },
      this.#picture);
    stage.setAttribute('aria-label', `Watch ${channel.id}`);
    const token = channel.publish_token;
    const doors = element('nav', {},
      ...token && channel.whip_url ? [link('Studio', `${pages}/publish#token=${token}`)] : [],
      link('Watch', `${pages}/watch`),
      ...actions.map(([words, onclick]) => {
        const button = element('button', { type: 'button', onclick });
        this.#buttons.push((of) => { button.textContent = words(of); });
        return button;
      }));
    const graphs = element('div', { className: 'graphs' },
      ...Object.values(this.#graphs).map((graph) => graph.element));
    // Pictures and figures are its connections'.
    stage.hidden = graphs.hidden = Boolean(channel.request?.multi && token);
    if (!token) this.element.className = 'connection';
    this.element.append(stage,
      element('div', { className: 'words' }, element('h2', { textContent: channel.id }), this.#state, doors), graphs);
    this.show(channel);
  }

  show(channel) {
    const { state, message, request, stats } = channel;
    this.#buttons.forEach((name) => name(channel));
    this.element.dataset.state = state;
    this.#state.textContent = `${state}${message ? `: ${message}` : ''}`;
    const seconds = request?.hls?.[0]?.durationSeconds;
    this.#graphs.segment.mark = seconds ?? null;
    if (!kOnAir.includes(state)) this.#picture.hidden = true;
    if (stats) this.follow(stats);
  }

  // What its process says of itself, once a second or so.
  follow({ streams, alignment, segments, latency }) {
    if (!streams) return;  // it has nothing to say any more
    const now = Date.now();
    const { buffer, late, offset, segment, delay } = this.#graphs;
    const longest = longestBuffer(streams);
    buffer.add(now, longest < 0 ? null : longest);
    late.add(now, this.#lateRate(now, streams));
    offset.add(now, alignment?.lag_ms ?? null);
    segment.add(now, segments?.seconds || null);
    delay.add(now, ...stagesOf(slowest(streams), latency));
    if (kOnAir.includes(this.element.dataset.state) && now - this.#thumbnailAt > kThumbnailMs) {
      this.#thumbnailAt = now;
      this.#look();
    }
  }

  // For automation.
  get figures() {
    return Object.fromEntries(Object.entries(this.#graphs).map(([name, graph]) => [name, graph.samples]));
  }

  #lateRate(now, streams) {
    const packets = Object.values(streams).reduce((sum, { late }) => sum + late, 0);
    const former = this.#late;
    this.#late = { packets, now };
    // Another publisher counts from none.
    if (!former || packets < former.packets || now === former.now) return null;
    return (packets - former.packets) / ((now - former.now) / 1000);
  }

  // Swapped when it is there, so that nothing flickers.
  async #look() {
    const next = new Image();
    next.src = `/channels/${this.#id}/thumbnail.jpg?${this.#thumbnailAt}`;
    try {
      await next.decode();
      this.#picture.src = next.src;
      this.#picture.hidden = false;
    } catch {
      this.#picture.hidden = true;  // none yet
    }
  }
}
