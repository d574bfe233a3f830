// SPDX-License-Identifier: LGPL-2.1-or-later
// What the live server says about itself, and where its WHIP endpoint is.

const kAnswerWithinMs = 5_000;

// Of many channels each has its pages below a path of its own.
const kStatus = `${location.pathname.match(/^\/channels\/[^/]+/)?.[0] ?? ''}/status`;

export async function fetchStatus() {
  let response;
  try {
    response = await fetch(kStatus, {
      cache: 'no-store',
      signal: AbortSignal.timeout(kAnswerWithinMs),
    });
  } catch {
    throw new Error(`The live server at ${location.host} does not answer. Check your network, ` +
      'and that the server is running.');
  }
  if (!response.ok)
    throw new Error(`The live server answered ${kStatus} with an error (${response.status}).`);
  return response.json();
}

// The page and the endpoint share a host; only the server knows the port it was given, if it has one of its own.
export async function whipEndpoint() {
  const { whip } = await fetchStatus();
  const host = whip.port ? `${location.hostname}:${whip.port}` : location.host;
  return `${location.protocol}//${host}${whip.path}`;
}
