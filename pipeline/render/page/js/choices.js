/*
 * What is chosen in the panel's lists: what was asked for, or the usual one.
 */
import { choiceOf } from "./registry.js";
import { state } from "./state.js";

/**
 * @param {string} key of a registered choice
 * @returns {string}
 */
export function choice(key) {
  return state.choice[key] || choiceOf(key)?.usual() || "";
}

/**
 * Take over choices from an address. It may be old or typed by hand: a choice that is not on
 * offer counts as none.
 *
 * @param {Record<string, string>} asked
 */
export function takeChoices(asked) {
  state.choice = {};
  for (const [key, value] of Object.entries(asked)) {
    if (choiceOf(key)?.offered().includes(value)) state.choice[key] = value;
  }
}
