// SPDX-License-Identifier: LGPL-2.1-or-later
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { root } from './process.mjs';

// Pipelines of the elements' section comments: |[ … ]|, told apart from prose by gst-launch-1.0.
export async function documentedPipelines(source) {
  const text = await readFile(path.join(root, source), 'utf8');
  return [...text.matchAll(/\|\[([\s\S]*?)\]\|/g)].map((match) =>
    match[1].replace(/^ \* ?/gm, '').trim());
}
