/*
 * Small helpers on lists and numbers that know nothing of the page.
 */

/**
 * 0 to n - 1: the rows of a layer.
 *
 * @param {number} n
 * @returns {number[]}
 */
export function range(n) {
  return Array.from({ length: n }, (_, i) => i);
}

/**
 * A function whose last result is kept for as long as its keys are the same.
 *
 * @template T
 * @param {() => unknown[]} keys what the result depends on
 * @param {() => T} make
 * @returns {() => T}
 */
export function keeping(keys, make) {
  /** @type {{keys: unknown[], result: T} | null} */
  let kept = null;
  return () => {
    const now = keys();
    if (!kept || now.some((key, i) => !kept || key !== kept.keys[i])) {
      kept = { keys: now, result: make() };
    }
    return kept.result;
  };
}

/**
 * The class of a value among ascending upper bounds, which belong to the class below: 0 to
 * breaks.length.
 *
 * @param {number} value
 * @param {number[]} breaks
 */
export function classOf(value, breaks) {
  let index = 0;
  while (index < breaks.length && value > breaks[index]) index++;
  return index;
}

/**
 * Rounded quantiles of the known values, for up to five classes.
 *
 * @param {(number | null)[]} values
 * @returns {number[]} ascending, none twice; none where no value is known
 */
export function quantiles(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (!known.length) return [];
  const breaks = [0.2, 0.4, 0.6, 0.8].map((share) => {
    const value = known[Math.floor(share * (known.length - 1))];
    if (!value) return 0;
    const unit = Math.pow(10, Math.floor(Math.log10(Math.abs(value))) - 1);
    // 3 * 0.1 is not 0.3: two classes would bear one number.
    return Number((Math.round(value / unit) * unit).toPrecision(2));
  });
  return breaks.filter((value, i) => i === 0 || value > breaks[i - 1]);
}
