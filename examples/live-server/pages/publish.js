// SPDX-License-Identifier: LGPL-2.1-or-later
// The studio. For automation:
//   /publish?source=timesignal&width=640&height=360&fps=30&autostart=1#token=...
// and window.onair = { state, stats, client }.

import { cameraIsPossible, cameraObstacle, openCamera, openTimeSignal, SourceError }
  from './sources.js';
import { fetchStatus, whipEndpoint } from './status.js';
import { maxBitrateFor, WhipClient } from './whip.js';

const $ = (id) => document.getElementById(id);
const form = $('settings').elements;
const query = new URLSearchParams(location.search);
const onair = { state: 'idle', stats: null, client: null };
window.onair = onair;

const kAsking = 'Waiting for the camera: the browser may be asking you.';
const kLimits = { bandwidth: 'the network', cpu: 'this device' };

let source = null;
let opening = null;  // the latest attempt to open a source; older ones are out of date
let wakeLock = null;
let farewell = null;  // the DELETE of the last broadcast, while it is under way

const isOnAir = () => ['connecting', 'live', 'reconnecting'].includes(onair.state);

// ---- settings

function choose(select, value, label) {
  if (!value) return;
  if (![...select.options].some((option) => option.value === value))
    select.add(new Option(label, value));
  select.value = value;
}

function readQuery() {
  const [width, height, fps] = ['width', 'height', 'fps'].map((name) => Number(query.get(name)));
  if (width > 0 && height > 0) choose(form.size, `${width}x${height}`, `${width} x ${height}`);
  if (fps > 0) choose(form.fps, `${fps}`, `${fps} a second`);
  if (query.has('microphone')) form.microphone.checked = query.get('microphone') !== '0';
  const wish = query.get('source') ?? (cameraIsPossible() ? 'camera' : 'timesignal');
  form.source.value = wish === 'timesignal' ? wish : 'camera';
  readFragment();
}

// The token travels in the fragment, as browsers keep that from servers, logs and Referer headers.
function readFragment() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token) form.token.value = token;
  $('token-field').hidden = Boolean(token);
}

function settings() {
  const [width, height] = form.size.value.split('x').map(Number);
  return {
    isCamera: form.source.value === 'camera',
    width,
    height,
    fps: Number(form.fps.value),
    microphone: form.microphone.checked,
  };
}

// ---- the source and its preview

async function closeSource() {
  const old = source;
  source = null;
  $('preview').srcObject = null;
  await old?.stop();
}

async function openSource() {
  const wish = settings();
  const attempt = opening = Symbol('attempt');
  await closeSource();
  const opened = wish.isCamera ? await openCamera(wish) : openTimeSignal(wish);
  if (attempt !== opening) {  // the user has changed his mind while the browser was asking
    await opened.stop();
    throw new SourceError('');
  }
  source = opened;
  $('preview').srcObject = source.stream;
  for (const track of source.stream.getTracks()) track.onended = () => sourceLost(track);
  showCover('');
}

function sourceLost({ kind }) {
  const device = kind === 'video' ? 'camera' : 'microphone';
  say(onair.state, `The ${device} was disconnected. ` + (isOnAir()
    ? 'Stop, connect it again, and go live.' : 'Connect it again.'));
}

function showCover(words, offersCamera = false) {
  $('cover').hidden = !words && !offersCamera;
  $('cover-text').textContent = words;
  $('show-camera').hidden = !offersCamera;
}

// A time signal needs nobody's leave. A camera does, so its light goes on only if the user says so,
// or did so earlier.
async function preview() {
  $('microphone').hidden = !settings().isCamera;
  say('idle', 'Ready.');
  try {
    if (!settings().isCamera) return await openSource();
    opening = null;
    await closeSource();
    const obstacle = cameraObstacle();
    if (obstacle) throw new SourceError(obstacle);
    const permission = await navigator.permissions?.query({ name: 'camera' }).catch(() => null);
    if (!settings().isCamera) return undefined;
    if (permission?.state === 'granted') return await openSource();
    return showCover('The camera is off.', true);
  } catch (error) {
    return showSourceError(error);
  }
}

function showSourceError(error) {
  if (error instanceof SourceError && !error.message) return;  // overtaken, not failed
  console.warn(error);
  showCover('The camera is off.', cameraIsPossible());
  say('error', error.message);
}

// ---- going live

async function goLive() {
  const isAsking = settings().isCamera && !source;
  say('connecting', isAsking ? kAsking : 'Connecting to the live server.');
  if (isAsking) showCover('The camera is off.');
  try {
    if (!source) await openSource();
    source.addSound?.();
  } catch (error) {
    showSourceError(error);
    return;
  }
  // The server has one place for a publisher; let it hear that the last broadcast is over.
  await Promise.race([farewell, new Promise((resolve) => setTimeout(resolve, 2000))]);
  if (onair.state !== 'connecting') return;  // stopped meanwhile
  const { width, height, fps } = settings();
  const client = onair.client = new WhipClient({
    endpoint: whipEndpoint,
    token: form.token.value.trim(),
    maxBitrate: Number(query.get('bitrate')) || maxBitrateFor(width, height),
    maxFramerate: fps,
  });
  client.addEventListener('statechange', ({ detail }) => {
    if (client !== onair.client) return;
    say(detail.state, detail.message);
    if (detail.status === 401 || detail.status === 403) askForToken();
  });
  await client.publish(source.stream);
}

function stop() {
  say('ended', 'The broadcast has ended.');
  farewell = onair.client?.stop();
}

function askForToken() {
  $('token-field').hidden = false;
  form.token.focus();
}

function say(state, words) {
  onair.state = state;
  document.body.dataset.state = state;
  const isBusy = isOnAir();
  $('state').textContent = words;
  $('go').textContent = isBusy ? 'Stop' : 'Go live';
  $('fields').disabled = isBusy;
  $('badge').hidden = state !== 'live';
  $('dark').hidden = !isBusy;
  $('mute').hidden = !isBusy || !source?.stream.getAudioTracks().length;
  $('figures').hidden = state !== 'live';
  $('server').hidden = !isBusy;
  if (!isBusy) {
    onair.stats = null;
    $('server').textContent = '';
    switchTracks('audio', true);
    switchTracks('video', true);
  }
  keepAwake(isBusy);
}

// A phone that falls asleep takes the camera with it.
async function keepAwake(isWanted) {
  if (isWanted && !wakeLock && document.visibilityState === 'visible') {
    wakeLock = 'pending';
    wakeLock = await navigator.wakeLock?.request('screen').catch(() => null) ?? null;
    wakeLock?.addEventListener('release', () => { wakeLock = null; });
    if (!isOnAir()) wakeLock?.release();
  } else if (!isWanted && wakeLock?.release) {
    wakeLock.release();
  }
}

// ---- muting: the tracks go on, silent or black, so that nothing is negotiated anew

function switchTracks(kind, isOn) {
  source?.stream.getTracks().filter((track) => track.kind === kind)
    .forEach((track) => { track.enabled = isOn; });
  const button = kind === 'audio' ? $('mute') : $('dark');
  button.setAttribute('aria-pressed', String(!isOn));
  button.textContent = kind === 'audio'
    ? (isOn ? 'Mute the sound' : 'Sound is muted')
    : (isOn ? 'Turn the picture off' : 'Picture is off');
}

const toggle = (kind) => ({ currentTarget }) =>
  switchTracks(kind, currentTarget.getAttribute('aria-pressed') === 'true');

// ---- once a second

async function refresh() {
  $('sound-held').hidden = !isOnAir() || !source?.isMute;
  if (!isOnAir()) return;
  const stats = await onair.client?.stats().catch(() => null) ?? null;
  if (isOnAir()) onair.stats = stats;
  if (stats) showFigures(stats);
  const server = await fetchStatus().catch(() => null);
  if (!server || !isOnAir()) return;
  $('server').textContent = `Server: ${server.message}`;
  const buffers = Object.values(server.streams).map((stream) => stream.buffer_ms);
  $('f-buffer').textContent = buffers.length ? `${Math.max(...buffers)} ms` : '-';
}

function showFigures({ bitrate, fps, width, height, rttMs, nack, pli, fir, limitedBy }) {
  $('f-bitrate').textContent = `${(bitrate / 1e6).toFixed(2)} Mbit/s`;
  $('f-picture').textContent = `${width} x ${height}, ${Math.round(fps)} frames/s`;
  $('f-rtt').textContent = rttMs === null ? '-' : `${Math.round(rttMs)} ms`;
  $('f-nack').textContent = nack;
  $('f-pli').textContent = pli + fir;
  $('f-limit').hidden = limitedBy === 'none';
  $('f-limited').textContent = kLimits[limitedBy] ?? limitedBy;
}

// ---- wiring

readQuery();
$('go').addEventListener('click', () => (isOnAir() ? stop() : goLive()));
$('show-camera').addEventListener('click', () => {
  say('idle', kAsking);
  openSource().then(() => say('idle', 'Ready.'), showSourceError);
});
$('mute').addEventListener('click', toggle('audio'));
$('dark').addEventListener('click', toggle('video'));
$('settings').addEventListener('submit', (event) => event.preventDefault());
$('settings').addEventListener('change', ({ target }) => {
  if (target.name !== 'token') preview();
});
addEventListener('hashchange', readFragment);
addEventListener('pointerdown', () => { if (isOnAir()) source?.addSound?.(); });
document.addEventListener('visibilitychange', () => keepAwake(isOnAir()));
setInterval(refresh, 1000);

if (query.get('autostart') === '1') {
  $('microphone').hidden = !settings().isCamera;
  goLive();
} else {
  preview();
}
