// SPDX-License-Identifier: LGPL-2.1-or-later
// A bad network on this machine: two network namespaces, with tests/weather's relay between them.
// The namespaces have no names and vanish with the processes in them, so whatever becomes of a
// test, nothing is left behind. It takes root.
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { Program, eventually, root } from './process.mjs';

const relay = path.join(root, 'build/tests/weather/weather-relay');
const kNoTun = 77; // what the relay exits with where the kernel has none

// The one reason for which a test may be skipped.
export class NoWeatherHere extends Error {}

// Null where there is none to be had, and the test is skipped.
export async function openWeather(t) {
  try {
    return await Weather.open(process.env.WEATHER_SEED);
  } catch (error) {
    if (!(error instanceof NoWeatherHere)) throw error;
    t.skip(error.message);
    return null;
  }
}

// { loss: 0.02, delay: '50ms' } as the relay wants it; its names are in tests/weather/command.cpp.
const toWords = (weather) =>
  Object.entries(weather).map(([name, value]) => ` ${name}=${value}`).join('');

export class Weather {
  #relay;
  #heard = 0; // so much of what the relay said has been dealt with
  near; // { address, space }: where packets go up from
  far;

  static async open(seed) {
    const weather = new Weather();
    await weather.#start(seed);
    return weather;
  }

  async #start(seed) {
    if (!existsSync(relay))
      throw new Error(`${relay} is not built; configure the build with -Dtests=enabled`);
    if (process.getuid() !== 0)
      throw new Error('network weather takes root: it makes network namespaces');
    const args = seed === undefined ? [] : [String(seed)];
    this.#relay = new Program(relay, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#relay.child.stdin.on('error', () => {}); // the relay is gone; says() tells why
    try {
      await this.#relay.says(/^ready$/m, 10_000);
    } catch (error) {
      const ended = await this.close();
      throw ended.code === kNoTun ? new NoWeatherHere(this.#relay.output.trim()) : error;
    }
    this.seed = Number(this.#relay.output.match(/^seed (\d+)$/m)[1]);
    for (const side of ['near', 'far']) {
      const line = new RegExp(`^${side} (\\S+) (\\S+)$`, 'm');
      const [, address, space] = this.#relay.output.match(line);
      this[side] = { address, space };
    }
    this.#heard = this.#relay.output.length;
  }

  // Which way: 'up' (from near to far), 'down' or 'both'. What is not named is calm. Gives back the
  // time of the change.
  async change(way, weather = {}) {
    const answer = await this.#ask(`${way}${toWords(weather)}`);
    if (answer !== 'ok') throw new Error(`the relay says: ${answer}`);
    return Date.now();
  }

  // What happened in both directions since the last time.
  async counters() {
    return JSON.parse((await this.#ask('counters')).replace(/^counters /, ''));
  }

  async #ask(line) {
    this.#relay.child.stdin.write(`${line}\n`);
    const answer = await eventually(`the relay answers '${line}'`, () => {
      const end = this.#relay.output.indexOf('\n', this.#heard);
      if (end < 0) return null;
      const said = this.#relay.output.slice(this.#heard, end);
      this.#heard = end + 1;
      return said;
    }, 5_000);
    return answer;
  }

  // Runs a program on that side; it keeps its process id and its file descriptors.
  start(side, command, args, options) {
    return new Program('nsenter', [`--net=${side.space}`, command, ...args], options);
  }

  // A program that runs `command` on that side, for those who want just one word.
  async wrap(side, command, file) {
    await writeFile(file, `#!/bin/sh\nexec nsenter --net=${side.space} ${command} "$@"\n`);
    await chmod(file, 0o755);
    return file;
  }

  close() {
    this.#relay.child.stdin.end();
    return this.#relay.stop('SIGTERM', 2_000);
  }
}
