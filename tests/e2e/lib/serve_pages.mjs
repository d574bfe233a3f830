// SPDX-License-Identifier: LGPL-2.1-or-later
// node serve_pages.mjs ADDRESS WHIP_PORT: servePublishPage() as a program, for network namespaces.
// Says the URL.
import { servePublishPage } from './page_server.mjs';

const [address, whipPort] = process.argv.slice(2);
console.log((await servePublishPage(Number(whipPort), address)).url);
