// SPDX-License-Identifier: LGPL-2.1-or-later
// One WHIP session: one RTCPeerConnection, one session URL at the server. It negotiates, trickles,
// repairs itself with ICE restarts, and says when it is beyond repair. Whether and when to begin a
// new session is the business of WhipClient.

import { applyFragment, usernameFragment, writeFragment } from './sdpfrag.js';
import { parseIceServers, WhipError, whipRequest } from './whip-http.js';

const kSdpFragment = 'application/trickle-ice-sdpfrag';
const kBatchMs = 50;             // host candidates come in a burst: one PATCH instead of ten
const kPatienceMs = 2_000;       // many a "disconnected" heals by itself within two seconds
const kConnectWithinMs = 15_000; // first connection, or repair: longer and viewers have left anyway
const kResendMs = 1_000;         // while a network changes, requests fail for a moment
const kPulseMs = 1_000;
const kSilentMs = 3_000;         // a path is checked each 2.5 s, so that something comes sooner

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const kGone = 'The server no longer knows this session.';
const isGone = (error) => error?.status === 404 || error?.status === 410;

const withResolvers = () => {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
};

function codecsFor(kind) {
  const mimeType = kind === 'video' ? 'video/h264' : 'audio/opus';
  const all = RTCRtpSender.getCapabilities?.(kind)?.codecs ?? [];
  const are = (type) => all.filter((codec) => codec.mimeType.toLowerCase() === type);
  // packetization-mode=1 may split a picture over packets; without it slices must be tiny. Beyond
  // that the browser's own order stands: it knows what its hardware encodes.
  const isTiny = ({ sdpFmtpLine = '' }) => !sdpFmtpLine.includes('packetization-mode=1');
  const wanted = are(mimeType).sort((a, b) => isTiny(a) - isTiny(b));
  return wanted.length ? [...wanted, ...are(`${kind}/rtx`)] : [];
}

// Packets then say when they were captured, from the first one on: the server need not wait for
// sender reports to know which sound belongs to which picture. Browsers offer it on demand only.
const kCaptureTime = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time';

function offerCaptureTime(transceiver) {
  try {
    const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
    if (!extensions.some(({ uri }) => uri === kCaptureTime)) return;
    transceiver.setHeaderExtensionsToNegotiate?.(extensions.map((extension) =>
      extension.uri === kCaptureTime ? { ...extension, direction: 'sendrecv' } : extension));
  } catch (error) {
    console.info('abs-capture-time is not offered:', error.message);  // it goes without as well
  }
}

// A figure that grows with whatever comes from the server: packets, checks of the path and answers to ours.
async function received(pc) {
  let sum = 0;
  for (const report of (await pc.getStats()).values()) {
    if (report.type === 'transport') sum += report.packetsReceived ?? report.bytesReceived ?? 0;
    if (report.type === 'candidate-pair')
      sum += (report.requestsReceived ?? 0) + (report.responsesReceived ?? 0);
  }
  return sum;
}

export class WhipSession {
  #pc;
  #endpoint;
  #token;
  #onChange;
  #url = null;
  #etag = null;        // null while no PATCH may be sent: before the 201, during an ICE restart
  #waiting = [];       // candidates that the server has not got yet
  #isComplete = false;
  #isFlushing = false;
  #takesTrickle = true;
  #isClosed = false;
  #isRestarting = false;
  #timer = 0;          // the next thing to happen if the connection state stays as it is
  #deadline = 0;
  #pulse = 0;
  #connected = withResolvers();
  #lost = withResolvers();
  #onNetworkChange = () => this.#networkChanged();
  #networkType = navigator.connection?.type;

  // `onChange(isConnected, words)` tells about trouble and repair after the first connection.
  constructor({ endpoint, token, onChange = () => {} }) {
    this.#endpoint = endpoint;
    this.#token = token;
    this.#onChange = onChange;
    // One transport for all: one ICE check list, one DTLS handshake, and what RFC 9725 4.4 asks.
    this.#pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    // The promises may be settled when nobody waits for them any more; that is not an error.
    this.#connected.promise.catch(() => {});
    this.#lost.promise.catch(() => {});
  }

  get connection() { return this.#pc; }
  get connected() { return this.#connected.promise; }  // resolves when media can flow
  get lost() { return this.#lost.promise; }            // rejects with the reason, once

  async open(stream, { maxBitrate, maxFramerate }) {
    this.#watchConnection();
    this.#addTracks(stream, { maxBitrate, maxFramerate });
    const offer = await this.#pc.createOffer();
    const response = await whipRequest('POST', this.#endpoint, {
      token: this.#token,
      headers: { 'Content-Type': 'application/sdp' },
      body: offer.sdp,
    });
    const location = response.headers.get('Location');
    if (response.status !== 201 || !location) {
      throw new WhipError('The server accepted the offer but did not say where the session lives ' +
        '(no Location header, or CORS hides it).', { isPermanent: true });
    }
    this.#url = new URL(location, response.url).href;
    this.#etag = response.headers.get('ETag');
    const answer = await response.text();
    if (this.#isClosed) {  // stopped while the request was under way: leave nothing behind
      await this.#delete();
      throw new WhipError('The broadcast was stopped.');
    }
    // Gathering starts with setLocalDescription, and the ICE servers come with the 201 only
    // (RFC 9725, 4.6): so the local description waits until they are known.
    this.#useIceServers(parseIceServers(response.headers.get('Link')));
    await this.#pc.setLocalDescription(offer);
    try {
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
    } catch (error) {
      throw new WhipError(`The server's answer is of no use to this browser: ${error.message}`,
        { isPermanent: true });
    }
    this.#pc.getSenders()[0].transport?.addEventListener('statechange', ({ target }) => {
      // connectionState stays "connected" after a DTLS close_notify; only the transport tells.
      if (target.state === 'closed') this.#lose('The server has ended the session.');
    });
    this.#expectConnection('No connection to the server came about. UDP may be blocked on the ' +
      'way; try another network.');
    addEventListener('online', this.#onNetworkChange);
    navigator.connection?.addEventListener?.('change', this.#onNetworkChange);
  }

  async close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    clearInterval(this.#pulse);
    removeEventListener('online', this.#onNetworkChange);
    navigator.connection?.removeEventListener?.('change', this.#onNetworkChange);
    this.#pc.close();
    const over = new WhipError('The broadcast was stopped.');
    this.#connected.reject(over);
    this.#lost.reject(over);
    await this.#delete();
  }

  #addTracks(stream, { maxBitrate, maxFramerate }) {
    for (const track of stream.getTracks()) {
      const isVideo = track.kind === 'video';
      const codecs = codecsFor(track.kind);
      if (isVideo && !codecs.length) {
        throw new WhipError('This browser has no H.264 encoder, and H.264 is what HLS viewers ' +
          'can play. Use Chrome, Edge or Safari; in Firefox, enable the OpenH264 plugin ' +
          '(about:addons, Plugins) and try again in a minute.', { isPermanent: true });
      }
      const transceiver = this.#pc.addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        sendEncodings: isVideo ? [{ maxBitrate, maxFramerate }] : [{}],
      });
      if (codecs.length) transceiver.setCodecPreferences(codecs);
      offerCaptureTime(transceiver);
      if (isVideo) this.#keepResolution(transceiver.sender);
    }
  }

  // A change of size in mid-stream makes HLS players stutter and can upset a passthrough server;
  // a lower frame rate for a while does neither. It is a hint: not every browser knows it.
  #keepResolution(sender) {
    const parameters = sender.getParameters();
    parameters.degradationPreference = 'maintain-resolution';
    sender.setParameters(parameters).catch((error) => console.warn('degradationPreference', error));
  }

  #useIceServers(iceServers) {
    if (!iceServers.length) return;
    try {
      this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
    } catch (error) {
      console.warn('The ICE servers of the live server are not usable here', error);
    }
  }

  #watchConnection() {
    const pc = this.#pc;
    pc.addEventListener('icecandidate', ({ candidate }) => this.#queue(candidate));
    pc.addEventListener('connectionstatechange', () => {
      clearTimeout(this.#timer);
      if (pc.connectionState === 'connected') {
        clearTimeout(this.#deadline);
        this.#deadline = 0;
        this.#connected.resolve();
        this.#onChange(true, '');
        this.#pulse ||= setInterval(this.#pulseTaker(), kPulseMs);
      } else if (pc.connectionState === 'disconnected') {
        this.#onChange(false, 'The connection is interrupted.');
        this.#timer = setTimeout(() => this.restartIce(), kPatienceMs);
      } else if (pc.connectionState === 'failed') {
        this.restartIce();
      }
    });
  }

  // A browser takes five seconds and more to tell that nothing comes any more. A server whose session broke off with
  // its process tells at once, when it is asked.
  #pulseTaker() {
    let heard = -1;
    let heardAt = 0;
    return async () => {
      const now = await received(this.#pc).catch(() => heard);
      if (now !== heard) {
        heard = now;
        heardAt = performance.now();
      } else if (performance.now() - heardAt >= kSilentMs) {
        heardAt = performance.now();  // not again before as long has passed
        await this.#askWhetherGone();
      }
    };
  }

  // By a trickle of no candidates, which changes nothing in a session that lives.
  async #askWhetherGone() {
    if (this.#isClosed || !this.#url || this.#etag === null || !this.#takesTrickle) return;
    try {
      await this.#patch(this.#etag, writeFragment(this.#pc.localDescription.sdp, [], false));
    } catch (error) {
      if (isGone(error)) this.#lose(`The connection was lost. ${kGone}`, error);
    }
  }

  #networkChanged() {
    // "change" also fires whenever the browser revises its estimate of the speed.
    const type = navigator.connection?.type;
    const isOnline = navigator.onLine && (type === undefined || type !== this.#networkType);
    this.#networkType = type;
    if (isOnline || this.#pc.connectionState !== 'connected') this.restartIce();
  }

  // ---- ICE restart (RFC 9725, 4.3.3)

  async restartIce() {
    const isEstablished = this.#pc.signalingState === 'stable' && this.#url;
    if (this.#isClosed || this.#isRestarting || !isEstablished) return;
    this.#isRestarting = true;
    this.#expectConnection('The connection was lost and could not be repaired.');
    const etag = this.#etag;
    try {
      this.#etag = null;
      const offer = await this.#pc.createOffer({ iceRestart: true });
      await this.#pc.setLocalDescription(offer);
      const response = await this.#patchUntilReached('*', writeFragment(offer.sdp, [], false));
      if (response.status !== 200)
        throw new WhipError('The server did not take part in the ICE restart.');
      const answer = applyFragment(this.#pc.remoteDescription.sdp, await response.text());
      await this.#pc.setRemoteDescription({ type: 'answer', sdp: answer });
      this.#etag = response.headers.get('ETag') ?? '*';
      this.#flushSoon();
    } catch (error) {
      await this.#survive(etag, error);
    } finally {
      this.#isRestarting = false;
    }
  }

  // The server refused. If the network had changed but the old path still works, stay on it;
  // otherwise only a new session helps.
  async #survive(etag, error) {
    if (isGone(error) || this.#pc.connectionState !== 'connected') {
      this.#lose(`The connection was lost. ${isGone(error) ? kGone : error.message}`, error);
      return;
    }
    console.info('ICE restart:', error.message);
    clearTimeout(this.#deadline);
    this.#deadline = 0;
    this.#etag = etag;
    if (this.#pc.signalingState === 'have-local-offer')
      await this.#pc.setLocalDescription({ type: 'rollback' });
  }

  async #patchUntilReached(ifMatch, body) {
    for (;;) {
      try {
        return await this.#patch(ifMatch, body);
      } catch (error) {
        if (error.status !== 0 || this.#isClosed) throw error;
        await sleep(kResendMs);  // bounded by the deadline, which closes the session
      }
    }
  }

  #expectConnection(otherwise) {
    if (this.#deadline) return;
    this.#deadline = setTimeout(() => {
      this.#deadline = 0;
      if (this.#pc.connectionState !== 'connected') this.#lose(otherwise);
    }, kConnectWithinMs);
  }

  // Every loss may be followed by a new session; only the refusal of *that* can be permanent.
  #lose(message, cause) {
    if (isGone(cause)) this.#url = null;  // nothing left to DELETE
    const error = new WhipError(message, { retryAfterMs: cause?.retryAfterMs ?? null });
    this.#connected.reject(error);
    this.#lost.reject(error);
  }

  // ---- Trickle (RFC 9725, 4.3.2)

  #queue(candidate) {
    if (candidate?.candidate) this.#waiting.push(candidate);
    else if (candidate === null) this.#isComplete = true;
    this.#flushSoon();
  }

  async #flushSoon() {
    if (this.#isFlushing) return;
    this.#isFlushing = true;  // one PATCH at a time: the order of candidates is ours to keep
    await sleep(kBatchMs);
    try {
      while (this.#mayTrickle()) await this.#flush();
    } finally {
      this.#isFlushing = false;
    }
  }

  #mayTrickle() {
    return !this.#isClosed && this.#takesTrickle && this.#url && this.#etag !== null &&
        this.#pc.remoteDescription && (this.#waiting.length > 0 || this.#isComplete);
  }

  async #flush() {
    const { sdp } = this.#pc.localDescription;
    const batch = this.#waiting;
    const isComplete = this.#isComplete;
    this.#waiting = [];
    this.#isComplete = false;
    // Candidates of the generation before an ICE restart mean nothing to the server any more.
    const current = batch.filter(({ usernameFragment: ufrag }) =>
      !ufrag || ufrag === usernameFragment(sdp));
    try {
      await this.#patch(this.#etag,
        writeFragment(sdp, current.map(({ candidate }) => candidate), isComplete));
    } catch (error) {
      if (isGone(error)) {
        this.#lose(kGone, error);
      } else if (error.status === 0 || error.status >= 500 && error.status !== 501) {
        this.#waiting.unshift(...batch);
        this.#isComplete ||= isComplete;
        await sleep(kResendMs);
      } else if (error.status !== 412) {
        // 405, 422, 501: no trickle here. The server still learns of us from our own checks.
        // (412 is an ICE restart that overtook us; the next batch carries the new tag.)
        this.#takesTrickle = false;
      }
    }
  }

  #patch(ifMatch, body) {
    return whipRequest('PATCH', this.#url, {
      token: this.#token,
      headers: { 'Content-Type': kSdpFragment, 'If-Match': ifMatch },
      body,
    });
  }

  // keepalive: this may be the last thing that the page does.
  async #delete() {
    if (!this.#url) return;
    const url = this.#url;
    this.#url = null;
    await whipRequest('DELETE', url, { token: this.#token, keepalive: true })
      .catch((error) => console.info('DELETE:', error.message));  // gone is gone, as was the wish
  }
}
