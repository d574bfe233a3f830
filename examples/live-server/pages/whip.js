// SPDX-License-Identifier: LGPL-2.1-or-later
// A WHIP publisher (RFC 9725) that stays on the air: it opens a session, and another one whenever
// the last is lost, until it is told to stop or the server says that trying again is no use.
//
//   const client = new WhipClient({ endpoint: 'https://live.example/whip', token });
//   client.addEventListener('statechange', ({ detail }) => show(detail.state, detail.message));
//   client.publish(stream);
//   …
//   await client.stop();

import { SenderStats } from './sender-stats.js';
import { WhipError } from './whip-http.js';
import { WhipSession } from './whip-session.js';

export { WhipError };

const kFirstWaitMs = 1_000;
const kLongestWaitMs = 15_000;
const kSteadyMs = 10_000;  // a session that lasted this long was no part of a series of failures

export const maxBitrateFor = (width, height) =>
  Math.min(width, height) > 480 ? 2_500_000 : 1_200_000;

export class WhipClient extends EventTarget {
  #options;
  #session = null;
  #stats = null;
  #isStopped = false;
  #wake = () => {};

  state = 'idle';  // idle | connecting | live | reconnecting | ended | error
  message = '';

  // A "statechange" event carries { state, message, status }: the last is what the server answered
  // when that was the reason, such as 401.
  // `endpoint` is a URL, or a function that finds it out anew for each attempt.
  constructor({ endpoint, token = '', maxBitrate = 2_500_000, maxFramerate }) {
    super();
    this.#options = { endpoint, token, maxBitrate, maxFramerate };
  }

  // Runs for as long as the broadcast does; the outcome is in `state`. One client, one broadcast.
  async publish(stream) {
    if (this.state !== 'idle') throw new Error('A WhipClient publishes once; make another.');
    const onPageHide = () => this.stop();
    const onOnline = () => this.#wake();
    addEventListener('pagehide', onPageHide);
    addEventListener('online', onOnline);
    try {
      await this.#stayOnAir(stream);
    } finally {
      removeEventListener('pagehide', onPageHide);
      removeEventListener('online', onOnline);
    }
  }

  async stop() {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#wake();
    const farewell = this.#session?.close();
    if (this.state !== 'error') this.#become('ended', 'The broadcast has ended.');
    await farewell;
  }

  // The latest figures about what is being sent, or null when there is no connection.
  async stats() {
    return this.#stats?.sample() ?? null;
  }

  async #stayOnAir(stream) {
    this.#become('connecting', 'Connecting to the live server.');
    for (let failures = 0; !this.#isStopped;) {
      let connectedAt = Infinity;
      try {
        await this.#open(stream);
        connectedAt = performance.now();
        await this.#session.lost;
      } catch (error) {
        this.#stats = null;
        const farewell = this.#session?.close();
        if (this.#isStopped) return;
        if (error.isPermanent) {
          this.#isStopped = true;
          this.#become('error', error.message, error.status);
          return;
        }
        failures = performance.now() - connectedAt > kSteadyMs ? 1 : failures + 1;
        await this.#waitBefore(failures, error);
        // The server has one place for a publisher: vacate it before asking for it again. A server
        // that can't be reached keeps us no longer than the wait that has just passed.
        await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, 2_000))]);
      }
    }
  }

  async #open(stream) {
    const { endpoint, token, ...encoding } = this.#options;
    const url = typeof endpoint === 'function' ? await endpoint() : endpoint;
    if (this.#isStopped) throw new WhipError('The broadcast was stopped.');
    this.#session = new WhipSession({
      endpoint: url,
      token,
      onChange: (isConnected, words) => {
        if (this.#isStopped) return;
        if (isConnected) this.#become('live', 'You are live.');
        else this.#become('reconnecting', `${words} Reconnecting.`);
      },
    });
    await this.#session.open(stream, encoding);
    await this.#session.connected;
    this.#stats = new SenderStats(this.#session.connection);
  }

  async #waitBefore(failures, error) {
    // Jitter, or all the publishers of a server that restarts would come back in one instant.
    const backOff = Math.min(kLongestWaitMs, kFirstWaitMs * 2 ** (failures - 1));
    const wait = Math.max(error.retryAfterMs ?? 0, backOff * (0.75 + Math.random() / 2));
    const words = `${error.message} Trying again in ${Math.max(1, Math.round(wait / 1000))} s.`;
    this.#become('reconnecting', words);
    let timer;
    await new Promise((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, wait);
    });
    clearTimeout(timer);
    if (!this.#isStopped) this.#become('reconnecting', 'Reconnecting to the live server.');
  }

  #become(state, message, status = 0) {
    if (this.state === state && this.message === message) return;
    this.state = state;
    this.message = message;
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state, message, status } }));
  }
}
