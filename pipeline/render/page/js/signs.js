/*
 * Signs between words and numbers.
 */

export const EN_DASH = "\u2013";
export const NO_BREAK_SPACE = "\u00a0";
/** Between things in a row. */
export const MIDDLE_DOT = " \u00b7 ";
