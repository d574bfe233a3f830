// SPDX-License-Identifier: LGPL-2.1-or-later
// One of several broadcasters on the viewer's page: plays its playlist, silently unless it is chosen, until its end.

import { Player } from './player.js';

const kRetryMs = 1_500;
const kStuckMs = 10_000;      // no picture for this long: a fresh player beats waiting
const kEndStillMs = 2_000;    // after the last segment, a player may stop a frame short of "ended"
const kMostToEndMs = 15_000;  // for what viewers have not seen yet when the broadcaster has left

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export class WatchTile {
  #url;
  #player = null;
  #retry = 0;
  #progress = { time: 0, at: performance.now() };
  #leftAt = 0;  // when the broadcaster was no longer there; 0: he is
  #errorsBefore = [];
  #words = element('p', { textContent: 'One moment.' });
  #cover = element('div', { className: 'cover dim' }, this.#words);
  #sound = element('button', { type: 'button', className: 'sound', textContent: 'Sound' });

  video = element('video', { playsInline: true, muted: true });
  element;

  // `page` is that of this broadcaster alone. `onChoose()`: the viewer wants to hear this one, or nobody.
  constructor({ url, page, name, onChoose }) {
    this.#url = url;
    this.video.setAttribute('aria-label', name);
    this.#sound.onclick = onChoose;
    this.video.addEventListener('playing', () => { this.#cover.hidden = true; });
    this.element = element('li', {},
      element('div', { className: 'stage' }, this.video, this.#cover, this.#sound),
      element('a', { href: page, textContent: 'On its own' }));
    this.isHeard = false;
    this.#begin();
  }

  get errors() { return [...this.#errorsBefore, ...this.#player?.errors ?? []]; }

  get isHeard() { return !this.video.muted; }
  set isHeard(isHeard) {
    this.video.muted = !isHeard;
    this.#sound.setAttribute('aria-pressed', String(isHeard));
  }

  // What the server says of it; an empty text where all is well.
  say(words) {
    this.#leftAt = 0;
    this.video.title = words;
  }

  // The server does not name it any more: its playlist ends, and may be played to its end.
  leave() {
    this.#leftAt ||= performance.now();
  }

  // Once a second or so. False: it is over.
  look() {
    const now = performance.now();
    const { currentTime, ended } = this.video;
    if (currentTime !== this.#progress.time) this.#progress = { time: currentTime, at: now };
    const still = now - this.#progress.at;
    const isPlayed = ended || (this.#player?.isFinite && currentTime > 0 && still > kEndStillMs);
    if (this.#leftAt && (isPlayed || now - this.#leftAt > kMostToEndMs)) return false;
    if (!this.#leftAt && this.#player && still > kStuckMs) this.#startOver('The stream got stuck.');
    return true;
  }

  stop() {
    clearTimeout(this.#retry);
    this.#drop();
  }

  #begin() {
    this.#progress = { time: 0, at: performance.now() };
    this.#player = new Player(this.video, {
      // Silence may always begin; sound that was chosen may have to be chosen again.
      ready: () => this.video.play().catch(() => {
        this.isHeard = false;
        return this.video.play().catch(() => {});
      }),
      trouble: () => {},
      lost: (words) => this.#startOver(words),
    });
    this.#player.start(this.#url);
  }

  #drop() {
    this.#errorsBefore.push(...this.#player?.errors ?? []);
    this.#player?.stop();
    this.#player = null;
  }

  #startOver(words) {
    this.#drop();
    this.#words.textContent = `${words} Trying again.`;
    this.#cover.hidden = false;
    if (!this.#leftAt) this.#retry = setTimeout(() => this.#begin(), kRetryMs);
  }
}
