// SPDX-License-Identifier: LGPL-2.1-or-later
// The "application/trickle-ice-sdpfrag" format (RFC 8840) as far as WHIP uses it: our ICE
// credentials and candidates on the way out, the server's on the way back after an ICE restart.

const attribute = (sdp, name) => sdp.match(new RegExp(`^a=${name}:([^\r\n]*)`, 'm'))?.[1];
const sections = (sdp) => sdp.split(/^(?=m=)/m);

export const usernameFragment = (sdp) => attribute(sdp, 'ice-ufrag');

// `offer` is the local description the candidates belong to. Everything runs over one bundle, so
// the fragment carries only the section that the bundle is tagged with (RFC 9725, 4.3.2).
export function writeFragment(offer, candidates, isComplete) {
  const [session, ...media] = sections(offer);
  const group = attribute(session, 'group');
  const mid = group?.split(' ')[1] ?? attribute(media[0], 'mid');
  const section = media.find((each) => attribute(each, 'mid') === mid);
  const lines = [
    ...(group ? [`a=group:${group}`] : []),
    // Once gathering has begun, browsers write a real port here; RFC 8840 wants the dummy 9.
    section.match(/^m=[^\r\n]*/)[0].replace(/^(m=\S+) \d+/, '$1 9'),
    `a=mid:${mid}`,
    `a=ice-ufrag:${attribute(section, 'ice-ufrag')}`,
    `a=ice-pwd:${attribute(section, 'ice-pwd')}`,
    ...candidates.map((candidate) => `a=${candidate}`),
    ...(isComplete ? ['a=end-of-candidates'] : []),
  ];
  return lines.join('\r\n') + '\r\n';
}

// The server answers an ICE restart with a fragment, but a browser only takes whole descriptions:
// the earlier answer still holds (RFC 9725, 4.3.3), with the ICE part exchanged.
export function applyFragment(answer, fragment) {
  const ufrag = attribute(fragment, 'ice-ufrag');
  const pwd = attribute(fragment, 'ice-pwd');
  if (!ufrag || !pwd) throw new Error('The fragment has no ICE credentials.');

  const ice = fragment.match(/^a=(?:candidate:|end-of-candidates)[^\r\n]*/gm) ?? [];
  // Functions as replacements: a password may contain "$&", which a string would expand.
  const [session, first, ...rest] = sections(answer
    .replace(/^a=(?:candidate:|end-of-candidates)[^\n]*\n/gm, '')
    .replace(/^a=ice-ufrag:[^\r\n]*/gm, () => `a=ice-ufrag:${ufrag}`)
    .replace(/^a=ice-pwd:[^\r\n]*/gm, () => `a=ice-pwd:${pwd}`));
  return [session, first, ...ice.map((line) => `${line}\r\n`), ...rest].join('');
}
