// SPDX-License-Identifier: LGPL-2.1-or-later
// What players.test.mjs does, for a minute.
import { test } from 'node:test';

import { testPlayers } from '../lib/players.mjs';

test('players of a live programme for a minute', { timeout: 240_000 }, (t) => testPlayers(t, 60));
