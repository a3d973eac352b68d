/*
 * How wide the window is.
 */

/** A phone, or a window as narrow: the width at which page.css puts the map above the panel. */
export function isNarrow() {
  return window.innerWidth <= 820;
}
