// SPDX-License-Identifier: LGPL-2.1-or-later
// Players, for real, of what hlslivesink and its origin serve: all at the same time, on one programme. For a
// minute of it, tests/check.sh soak.
import { test } from 'node:test';

import { testPlayers } from './lib/players.mjs';

test('players of a live programme', { timeout: 120_000 }, (t) => testPlayers(t, 12));
