// SPDX-License-Identifier: LGPL-2.1-or-later
// What the live server says about itself, and where its WHIP endpoint is.

const kAnswerWithinMs = 5_000;

export async function fetchStatus() {
  let response;
  try {
    response = await fetch('/status', {
      cache: 'no-store',
      signal: AbortSignal.timeout(kAnswerWithinMs),
    });
  } catch {
    throw new Error(`The live server at ${location.host} does not answer. Check your network, ` +
      'and that the server is running.');
  }
  if (!response.ok)
    throw new Error(`The live server answered /status with an error (${response.status}).`);
  return response.json();
}

// The page and the endpoint share a host; only the server knows the port it was given.
export async function whipEndpoint() {
  const { whip } = await fetchStatus();
  return `${location.protocol}//${location.hostname}:${whip.port}${whip.path}`;
}
