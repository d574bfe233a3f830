// SPDX-License-Identifier: LGPL-2.1-or-later
import { chromium } from 'playwright-core';

import { parseStrictly, takePlaylists } from './strict_playlists.mjs';

// Debian's Chromium: it has an H.264 encoder, plays MP3 and H.264, and needs no network.
const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--mute-audio',
];

export async function openBrowser({ executablePath = '/usr/bin/chromium', args = [] } = {}) {
  return chromium.launch({ executablePath, headless: true, args: [...flags, ...args] });
}

// What hls.js says where the machine is busy: a stall, the nudge that ends it, and the request that it cancels
// for that. None is fatal, and all come to nothing more than a still picture, which tests ask for themselves.
export const tellsOfStall = ({ details, fatal }) =>
  !fatal && ['bufferStalledError', 'bufferNudgeOnStall', 'aborted'].includes(details);

// A page whose errors end up in `problems`, as do playlists that it is given and a strict parser refuses.
export async function openPage(context, url) {
  const page = await context.newPage();
  page.problems = [];
  page.on('pageerror', (error) => page.problems.push(String(error)));
  takePlaylists(page, ({ url, text }) => {
    try {
      parseStrictly(text);
    } catch (error) {
      page.problems.push(`${url}: ${error.message}`);
    }
  });
  await page.goto(url);
  return page;
}

export function publishUrl(base, options = {}) {
  const url = new URL(base);
  const query = { source: 'timesignal', width: 640, height: 360, fps: 30, autostart: 1, ...options };
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, String(value));
  return url.href;
}

// A device that sends no packet until window.give(), although it has been offered; or is not even that.
export const holdBack = (context, kind, { isOffered = true } = {}) =>
  context.addInitScript(([held, isIn]) => {
    const add = RTCPeerConnection.prototype.addTransceiver;
    RTCPeerConnection.prototype.addTransceiver = function addTransceiver(track, options) {
      if (track.kind !== held) return add.call(this, track, options);
      const transceiver = add.call(this, held, isIn ? options : { direction: 'inactive' });
      window.give = () => transceiver.sender.replaceTrack(track);
      return transceiver;
    };
  }, [kind, isOffered]);

export const onair = (page) =>
  page.evaluate(() => {
    const { state, stats, errors, stalls, frames, measured } = window.onair ?? {};
    const video = document.querySelector('video');
    return { state, stats, errors, stalls, frames, measured, time: video?.currentTime ?? 0,
             text: document.body.innerText };
  });
