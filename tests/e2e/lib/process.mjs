// SPDX-License-Identifier: LGPL-2.1-or-later
// Programs that a test starts, and ends by their process ids.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import os from 'node:os';
import path from 'node:path';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const artefacts = path.join(root, 'artefacts');

// Who ends a test halfway leaves nothing running.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.once(signal, () => process.exit(128 + os.constants.signals[signal]));

export class Program {
  // What it writes on both is text in `output`; with `onOutput` the standard output goes there, as bytes.
  constructor(command, args, options = {}, { onOutput } = {}) {
    this.name = path.basename(command);
    this.output = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    running.add(this.child);
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
      this.child.once('error', (error) => resolve({ code: -1, signal: null, error }));
    });
    this.exited.then(() => running.delete(this.child));
    if (onOutput) this.child.stdout.on('data', onOutput);
    for (const stream of [onOutput ? null : this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
  }

  // Waits until the output matches; throws with all of it when the program ends or time runs out.
  async says(pattern, timeoutMs) {
    const deadline = Date.now() + timeoutMs;
    let ended = null;
    this.exited.then((result) => (ended = result));
    for (;;) {
      const match = this.output.match(pattern);
      if (match) return match;
      if (ended || Date.now() > deadline) {
        const why = ended ? `ended (${JSON.stringify(ended)})` : `said nothing in ${timeoutMs} ms`;
        throw new Error(`${this.name} ${why}; wanted ${pattern}; it said:\n${this.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  // Sends a signal and waits for the end; kills what does not end in time.
  async stop(signal = 'SIGTERM', timeoutMs = 15_000) {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const result = await this.exited;
    clearTimeout(timer);
    return result;
  }
}

// Runs to the end and gives back what it wrote on standard output, as a Buffer; with `keepsErrors`
// { out, err }, the second as text. It reads `input`, if there is one.
export function run(command, args, { keepsErrors = false, input, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args,
      { stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'], ...options });
    child.stdin?.on('error', () => {}).end(input); // who has read enough closes it
    const out = [];
    let err = '';
    child.stdout.on('data', (data) => out.push(data));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(keepsErrors ? { out: Buffer.concat(out), err } : Buffer.concat(out))
        : reject(new Error(`${command} ${args.join(' ')}: exit ${code}\n${err}`)),
    );
  });
}

// What `work` makes of each item, in their order; as many at a time as there are processors.
export async function mapFew(items, work) {
  const results = [];
  const entries = items.entries(); // shared by the workers
  const worker = async () => {
    for (const [i, item] of entries) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: os.cpus().length }, worker));
  return results;
}

// Polls `probe` until it gives something truthy, which is given back.
export async function eventually(what, probe, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
