// SPDX-License-Identifier: LGPL-2.1-or-later
// A small graph of the last two minutes: one line, or areas on top of each other where there are several
// series. It begins at zero, so that heights can be compared.

const kSeconds = 120;
const kHeight = 40;
const kSvg = 'http://www.w3.org/2000/svg';

function svg(name, attributes = {}) {
  const made = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export class Graph {
  #samples = [];  // { at, values }, of the last kSeconds
  #shapes;
  #value = document.createElement('span');
  #mark = null;
  #zero = svg('line', { class: 'zero', x1: 0, x2: kSeconds });
  #picture = svg('svg', { viewBox: `0 0 ${kSeconds} ${kHeight}`, preserveAspectRatio: 'none', role: 'img' });
  #options;

  element = document.createElement('figure');

  // `series`: names of what is stacked; `least`: what the height is worth at least; `mark`: a line at that value.
  constructor(title, { unit, digits = 0, series = [title], least = 1, mark = null, hint = '' }) {
    this.#options = { title, unit, digits, least, series };
    this.element.className = 'graph';
    this.element.title = hint;
    const caption = document.createElement('figcaption');
    caption.append(`${title} `, this.#value);
    this.#shapes = series.map((_, i) => svg(series.length > 1 ? 'polygon' : 'polyline', { class: `series-${i}` }));
    this.#picture.append(this.#zero, ...this.#shapes);
    this.mark = mark;
    this.element.append(this.#picture, caption);
  }

  set mark(value) {
    if (value === this.#mark?.value) return;
    this.#mark?.line.remove();
    this.#mark = value === null ? null : { value, line: svg('line', { class: 'mark', x1: 0, x2: kSeconds }) };
    if (this.#mark) this.#picture.prepend(this.#mark.line);
  }

  get samples() { return this.#samples.length; }

  // A value for each series; null where there is none now, which breaks the line.
  add(at, ...values) {
    this.#samples = this.#samples.filter((sample) => at - sample.at < kSeconds * 1000);
    if (values.some((value) => value === null || !Number.isFinite(value))) {
      this.#value.textContent = '-';
    } else {
      this.#samples.push({ at, values });
      const sum = values.reduce((one, other) => one + other);
      this.#value.textContent = `${sum.toFixed(this.#options.digits)} ${this.#options.unit}`;
    }
    this.#picture.setAttribute('aria-label', `${this.#options.title}: ${this.#value.textContent}`);
    this.#draw(at);
  }

  #draw(now) {
    const sums = this.#samples.map(({ values }) => values.reduce((one, other) => one + other));
    const { least } = this.#options;
    // What stands out is cut off: one hitch must not flatten two minutes.
    const sorted = [...sums].sort((one, other) => one - other);
    const common = (share) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    const highest = Math.max(least, this.#mark?.value ?? 0, common(0.95)) * 1.1;
    const lowest = Math.min(0, common(0.05)) * 1.1;
    const x = (at) => kSeconds - (now - at) / 1000;
    const y = (value) => kHeight * (highest - value) / (highest - lowest);
    const place = (line, value) => {
      line.setAttribute('y1', y(value));
      line.setAttribute('y2', y(value));
    };
    place(this.#zero, 0);
    if (this.#mark) place(this.#mark.line, this.#mark.value);
    const base = this.#samples.map(() => 0);
    this.#shapes.forEach((shape, i) => {
      const under = this.#samples.map(({ at }, k) => `${x(at).toFixed(1)},${y(base[k]).toFixed(2)}`);
      this.#samples.forEach(({ values }, k) => { base[k] += values[i]; });
      const over = this.#samples.map(({ at }, k) => `${x(at).toFixed(1)},${y(base[k]).toFixed(2)}`);
      shape.setAttribute('points', [...over, ...(this.#shapes.length > 1 ? under.reverse() : [])].join(' '));
    });
  }
}
