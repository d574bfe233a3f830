// SPDX-License-Identifier: LGPL-2.1-or-later
// The HTTP half of WHIP (RFC 9725): requests with the bearer token, and every way they can fail
// turned into one WhipError whose message a broadcaster can act on.

const kAnswerWithinMs = 10_000;  // a server that needs longer than this to answer is not healthy

export class WhipError extends Error {
  // `retryAfterMs` is what the server asked for, or null when it said nothing.
  constructor(message, { status = 0, isPermanent = false, retryAfterMs = null } = {}) {
    super(message);
    this.name = 'WhipError';
    this.status = status;
    this.isPermanent = isPermanent;
    this.retryAfterMs = retryAfterMs;
  }
}

const kAdvice = {
  400: 'The server did not understand the offer.',
  401: 'The token is missing or wrong. Enter the token that the server was started with.',
  403: 'The server does not accept this token for publishing.',
  404: 'There is no WHIP endpoint at this address.',
  405: 'This address does not take WHIP requests.',
  406: 'The server takes none of the offered codecs; it needs H.264 and Opus.',
  409: 'Another broadcaster is live at the moment.',
  429: 'The server asks for fewer requests.',
  503: 'The server is not ready yet.',
};

// Besides 409 (the other publisher will leave some day), these mean "not now" rather than "never".
const kPassing = new Set([408, 409, 425, 429]);

function parseRetryAfter(value) {
  if (!value) return null;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

async function refusal(response) {
  let said = '';
  if (/\bproblem\+json\b/.test(response.headers.get('Content-Type') ?? '')) {
    const problem = await response.json().catch(() => ({}));
    said = problem?.detail || problem?.title || '';
  }
  const { status } = response;
  return new WhipError(
    said || kAdvice[status] || `The server refused with status ${status}.`,
    {
      status,
      isPermanent: status >= 400 && status < 500 && !kPassing.has(status),
      retryAfterMs: parseRetryAfter(response.headers.get('Retry-After')),
    });
}

export async function whipRequest(method, url, { token, headers = {}, body, keepalive = false }) {
  let response;
  try {
    response = await fetch(url, {
      method,
      body,
      keepalive,
      headers: token ? { ...headers, Authorization: `Bearer ${token}` } : headers,
      // A signal would be torn down with the page, which a keepalive request has to survive.
      signal: keepalive ? undefined : AbortSignal.timeout(kAnswerWithinMs),
    });
  } catch (error) {
    const { host } = new URL(url);
    throw new WhipError(error.name === 'TimeoutError'
      ? `The live server at ${host} took longer than ${kAnswerWithinMs / 1000} s to answer.`
      : `The live server at ${host} can't be reached. Check your network, and that the server ` +
        'runs and its WHIP port is open.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

// Link: <turn:turn.example.net?transport=udp>; rel="ice-server"; username="u"; credential="p"
// Several may come as one header, joined by commas; credentials may hold commas inside quotes.
export function parseIceServers(header) {
  const servers = [];
  const link = /<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^",;\s]*))*)/g;
  const parameter = /;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^",;\s]*))/g;
  for (const [, url, tail] of (header ?? '').matchAll(link)) {
    const values = {};
    for (const [, name, quoted, bare] of tail.matchAll(parameter))
      values[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? bare;
    if (!values.rel?.split(/\s+/).includes('ice-server')) continue;
    servers.push(values.username
      ? { urls: url, username: values.username, credential: values.credential ?? '' }
      : { urls: url });
  }
  return servers;
}
