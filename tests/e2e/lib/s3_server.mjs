// SPDX-License-Identifier: LGPL-2.1-or-later
// PutObject of S3's REST API as its users rely on it: signatures are checked with Amazon's own signer, payloads against
// the hash that is signed; and a network that can be out of order.
import { createHash, createHmac } from 'node:crypto';
import http from 'node:http';

import { SignatureV4 } from '@smithy/signature-v4';

const credentials = { accessKeyId: 'AKIATEST', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCY=' };
export const s3Keys = {
  aws_access_key_id: credentials.accessKeyId, aws_secret_access_key: credentials.secretAccessKey,
};

class Sha256 {
  constructor(secret) { this.hash = secret ? createHmac('sha256', secret) : createHash('sha256'); }
  update(data) { this.hash.update(data); }
  async digest() { return this.hash.digest(); }
}

// Nothing, or S3's code for what is wrong.
async function mistakeOf({ method, url, headers }, body, region) {
  const [, keyId, signed] = headers.authorization?.match(
    /^AWS4-HMAC-SHA256 Credential=([^/]*)\/\S+, ?SignedHeaders=(\S+), ?Signature=[0-9a-f]{64}$/) ?? [];
  if (!signed) return 'AccessDenied';
  if (keyId !== credentials.accessKeyId) return 'InvalidAccessKeyId';
  const names = signed.split(';');
  if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) return 'AccessDenied';
  if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex'))
    return 'XAmzContentSHA256Mismatch';
  const [, ...date] = headers['x-amz-date'].match(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/).map(Number);
  const signingDate = new Date(Date.UTC(date[0], date[1] - 1, ...date.slice(2)));
  if (Math.abs(Date.now() - signingDate) > 900_000) return 'RequestTimeTooSkewed';
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false,
                                   applyChecksum: false });
  const again = await signer.sign({
    method, protocol: 'http:', hostname: headers.host, path: url, query: {},
    headers: Object.fromEntries(names.map((name) => [name, headers[name]])),
  }, { signingDate });
  const signatureIn = (text) => text.match(/Signature=(\w+)$/)[1];
  return signatureIn(again.headers.authorization) === signatureIn(headers.authorization) ? undefined
    : 'SignatureDoesNotMatch';
}

export async function startS3({ region = 'us-east-1' } = {}) {
  const weather = []; // what becomes of the next requests: drop, busy, hold or fair; then all of them are let through
  const requests = [];
  const held = [];
  const objects = new Map(); // by path
  const server = http.createServer(async (request, response) => {
    const its = { url: request.url, weather: weather.shift() ?? 'fair' };
    requests.push(its);
    if (its.weather === 'drop') return request.socket.destroy();
    if (its.weather === 'hold') return held.push(request.socket);
    const pieces = [];
    try {
      for await (const piece of request) pieces.push(piece);
    } catch {
      return undefined; // whoever sent it is gone
    }
    const body = Buffer.concat(pieces);
    const code = its.weather === 'busy' ? 'SlowDown'
      : request.method === 'PUT' ? await mistakeOf(request, body, region) : 'MethodNotAllowed';
    if (!code) objects.set(request.url, { body, type: request.headers['content-type'] });
    its.status = !code ? 200 : code === 'SlowDown' ? 503 : 403;
    response.writeHead(its.status, { 'Content-Type': 'application/xml' });
    return response.end(code && `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${server.address().port}`, weather, requests, held, objects,
    close: () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }),
  };
}
