// SPDX-License-Identifier: LGPL-2.1-or-later

import { fetchStatus } from './status.js';

// The token rides in the fragment, which browsers send to no server; pass it on to the studio.
document.getElementById('publish').hash = location.hash;

const line = document.getElementById('state');

async function refresh() {
  try {
    const status = await fetchStatus();
    document.body.dataset.state = status.state;
    line.textContent = status.message;
  } catch (error) {
    document.body.dataset.state = 'error';
    line.textContent = error.message;
  }
  setTimeout(refresh, 3000);
}

refresh();
