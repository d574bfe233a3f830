// SPDX-License-Identifier: LGPL-2.1-or-later
// A beat at a steady rate. It lives in a worker because browsers slow the timers of a hidden page
// down to one a second, or stop them; those of its workers they leave alone.

let timer = 0;

onmessage = ({ data: { fps } }) => {
  clearTimeout(timer);
  let beat = -1;
  const schedule = () => {
    const now = Date.now();
    // Beats lie on the wall clock's grid, so that one of them falls on each whole second. What was
    // missed stays missed: a burst of frames to catch up would only upset the encoder.
    beat = Math.max(beat + 1, Math.ceil(now * fps / 1000));
    timer = setTimeout(() => {
      postMessage(null);
      schedule();
    }, Math.ceil(beat * 1000 / fps - now));
    // After the clock was set back, the grid begins anew.
    if (beat * 1000 / fps - now > 2000) beat = -1;
  };
  schedule();
};
