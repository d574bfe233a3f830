// SPDX-License-Identifier: LGPL-2.1-or-later
// The viewer's page. It follows /status, plays each broadcast, and begins afresh with the next one.
// For automation: window.onair = { state, hls, errors, stalls, measured, frames }.

import { DelayMeter } from './delay-meter.js';
import { LipSyncMeter } from './lip-sync-meter.js';
import { Player } from './player.js';
import { fetchStatus } from './status.js';

const kPollMs = 1_500;
const kPollLiveMs = 5_000;   // while it plays, the playlist itself tells most of it
const kEndStillMs = 2_000;   // after the last segment, a player may stop a frame short of "ended"
const kStuckMs = 10_000;     // no picture for this long: a fresh player beats waiting

const kEnded = 'The broadcast has ended. Waiting for the next.';

const $ = (id) => document.getElementById(id);
const video = $('video');
const meter = new DelayMeter(video);
const lips = new LipSyncMeter(() => meter.latest);

let player = null;
let isOnAir = false;  // by what the server says
let away = '';        // what it says while the broadcaster is
let watching = null;  // the broadcast that is being played
let finished = null;  // the broadcast that was played to its end, while the server still shows it
let pollTimer = 0;
let polledAt = 0;
let framesBefore = 0;
let progress = { time: 0, at: 0 };
const errorsBefore = [];

const framesNow = () => video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;

const onair = {
  state: 'waiting',  // waiting | starting | live | ended
  stalls: 0,
  get hls() { return player?.hls ?? null; },
  get errors() { return [...errorsBefore, ...player?.errors ?? []]; },
  get frames() { return framesBefore + (player ? framesNow() : 0); },
  get measured() {
    const date = player?.playingDate;
    return {
      latencyMs: null,
      ...meter.latest,
      soundLateMs: lips.latest?.soundLateMs ?? null,
      playerLatencyMs: player?.latency ? player.latency * 1000 : null,
      dateLatencyMs: date ? Date.now() - date.getTime() : null,
    };
  },
};
window.onair = onair;

function become(state, words) {
  onair.state = state;
  document.body.dataset.state = state;
  $('state').textContent = words;
  $('cover-text').textContent = words;
  $('cover').hidden = state === 'live';
  $('badge').hidden = state !== 'live';
  $('figures').hidden = state !== 'live';
  // Controls without a film only get in the way of the words.
  video.controls = state === 'live';
}

// ---- following the server

async function poll() {
  clearTimeout(pollTimer);
  polledAt = performance.now();
  try {
    follow(await fetchStatus());
  } catch (error) {
    finished = null;  // it may come back restarted, counting from one again
    if (!player) become(onair.state, error.message);
  }
  pollTimer = setTimeout(poll, onair.state === 'live' && !away ? kPollLiveMs : kPollMs);
}

// A hitch may be the first sign of the next broadcast, whose playlist takes the place of this one.
function pollEarly() {
  if (performance.now() - polledAt > kPollMs) poll();
}

const showLive = () => become('live', away || 'Live.');

function follow({ state, broadcast, playlist, message }) {
  isOnAir = state === 'live' || state === 'away';  // the programme goes on without the broadcaster
  const before = away;
  away = state === 'away' ? message : '';
  if (away !== before && player && onair.state === 'live') showLive();
  if (!isOnAir) finished = null;
  if (isOnAir && broadcast !== watching && broadcast !== finished) {
    begin(broadcast, new URL(playlist, location.href).href);
  } else if (!player) {
    if (state === 'starting') become('starting', 'The broadcast is about to start.');
    else if (onair.state === 'ended') become('ended', kEnded);
    else if (!isOnAir) become('waiting', 'Waiting for the broadcaster.');
  }
}

function begin(broadcast, url) {
  leave();
  if (!Player.isPossible(video)) {
    become('waiting', 'This browser cannot play HLS. Try Chrome, Edge, Firefox or Safari.');
    return;
  }
  become('starting', 'The broadcast is starting.');
  watching = broadcast;
  progress = { time: 0, at: performance.now() };
  player = new Player(video, { ready: play, trouble: pollEarly, lost: startOver });
  player.start(url);
  if (player.hls) lips.follow(player.hls);
}

function leave() {
  if (!player) return;
  framesBefore += framesNow();
  errorsBefore.push(...player.errors);
  player.stop();
  player = null;
  watching = null;
}

function startOver(words) {
  leave();
  become('starting', `${words} Trying again.`);
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, kPollMs);
}

function end() {
  finished = watching;
  leave();
  become('ended', kEnded);
  poll();
}

// ---- sound: browsers may allow a film to start by itself only in silence

async function play() {
  $('play-cover').hidden = true;
  try {
    await video.play();
  } catch (error) {
    if (error.name !== 'NotAllowedError') return;  // overtaken by another load, which plays too
    if (!video.muted) {
      video.muted = true;
      await play();
    } else {
      become('live', 'Ready to play.');
      $('play-cover').hidden = false;
    }
  }
}

const showSoundButton = () => { $('sound').hidden = !video.muted || onair.state !== 'live'; };

// ---- once a second

function look() {
  if (!player) return;
  const { currentTime, paused } = video;
  const now = performance.now();
  // A viewer who pauses wants stillness; before the first frame, "paused" means nothing yet.
  if (currentTime !== progress.time || paused && onair.state === 'live')
    progress = { time: currentTime, at: now };
  const still = now - progress.at;
  if (player.isFinite && currentTime > 0 && still > kEndStillMs) end();
  // A broadcaster who is away may come back, and the playlist goes on then.
  else if (still > kStuckMs && isOnAir) startOver('The stream got stuck.');
  showFigures();
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const inWords = (late) => (Math.round(late) === 0 ? 'together'
  : `sound ${Math.abs(late).toFixed(0)} ms ${late > 0 ? 'late' : 'early'}`);
const isSameMachine = ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

function showFigures() {
  const { latencyMs, playerLatencyMs, soundLateMs } = onair.measured;
  $('f-player').textContent = playerLatencyMs === null ? '-' : seconds(playerLatencyMs);
  $('f-glass').hidden = $('clock-note').hidden = latencyMs === null;
  $('f-lips').hidden = soundLateMs === null;
  $('f-sync').textContent = inWords(soundLateMs);
  $('f-stalled').hidden = onair.stalls === 0;
  $('f-stalls').textContent = onair.stalls;
  if (latencyMs === null) return;
  const isCredible = latencyMs >= 0 && latencyMs < 120_000;
  $('f-delay').textContent = isCredible ? seconds(latencyMs) : 'unknown';
  $('clock-note').hidden = isSameMachine && isCredible;
  $('clock-note').textContent = isCredible
    ? 'Glass to glass compares the clock of the broadcaster with the clock of this device: ' +
      'it is as right as the two agree.'
    : 'The clock of the broadcaster and the clock of this device are too far apart to compare. ' +
      'Have both set their time from the network.';
}

// ---- wiring

video.addEventListener('playing', () => {
  if (!player) return;
  showLive();
  $('play-cover').hidden = true;
  showSoundButton();
});

video.addEventListener('waiting', () => {
  if (onair.state !== 'live' || video.seeking || player?.isFinite) return;
  ++onair.stalls;
  $('state').textContent = 'Live, but the next piece is late.';
  pollEarly();
});

video.addEventListener('ended', () => { if (player) end(); });
video.addEventListener('volumechange', showSoundButton);
$('sound').addEventListener('click', () => {
  video.muted = false;
  if (video.volume === 0) video.volume = 1;
});
$('play').addEventListener('click', () => {
  video.muted = false;
  play();
});
// A page that comes back from the background should not wait for its throttled timer.
document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
setInterval(look, 1000);

// Module scripts and deferred ones run in the order of the page, so hls.js has had its chance.
poll();
