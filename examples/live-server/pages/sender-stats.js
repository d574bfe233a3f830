// SPDX-License-Identifier: LGPL-2.1-or-later
// What a peer connection is sending, in the few figures that a broadcaster can do something about.

export class SenderStats {
  #connection;
  #last = null;

  constructor(connection) {
    this.#connection = connection;
  }

  async sample() {
    const now = { at: 0, bytes: 0, nack: 0, pli: 0, fir: 0, lost: 0 };
    const figures = { fps: 0, width: 0, height: 0, rttMs: null, limitedBy: 'none', codec: '' };
    const report = await this.#connection.getStats();
    for (const entry of report.values()) {
      if (entry.type === 'outbound-rtp') {
        now.at = entry.timestamp;
        now.bytes += entry.bytesSent + (entry.headerBytesSent ?? 0);
        now.nack += entry.nackCount ?? 0;
        now.pli += entry.pliCount ?? 0;
        now.fir += entry.firCount ?? 0;
        if (entry.kind !== 'video') continue;
        figures.fps = entry.framesPerSecond ?? 0;
        figures.width = entry.frameWidth ?? 0;
        figures.height = entry.frameHeight ?? 0;
        figures.limitedBy = entry.qualityLimitationReason ?? 'none';
        figures.framesEncoded = entry.framesEncoded;
        figures.keyFramesEncoded = entry.keyFramesEncoded;
        figures.codec = report.get(entry.codecId)?.mimeType ?? '';
      } else if (entry.type === 'remote-inbound-rtp') {
        now.lost += entry.packetsLost ?? 0;
      } else if (isPairInUse(entry, report)) {
        figures.rttMs = entry.currentRoundTripTime * 1000;
      }
    }
    const last = this.#last;
    const seconds = last ? (now.at - last.at) / 1000 : 0;
    this.#last = now;
    return {
      ...figures,
      bitrate: seconds > 0 ? (now.bytes - last.bytes) * 8 / seconds : 0,
      nack: now.nack,
      pli: now.pli,
      fir: now.fir,
      packetsLost: now.lost,
    };
  }
}

// Firefox has no "transport" entries and marks the pair itself.
function isPairInUse(entry, report) {
  if (entry.type !== 'candidate-pair' || entry.currentRoundTripTime === undefined) return false;
  const transport = report.get(entry.transportId);
  return transport ? transport.selectedCandidatePairId === entry.id : entry.selected === true;
}
