/*
 * What themes bring along: the theme itself, its overlays, the layers it describes, its choices.
 *
 * Each folder of pipeline/render/themes registers its own here; nothing else has to name it.
 */
/** @import {Choice, Feature, HitLayer, LayerName, Overlay, Theme} from "./types.d.ts" */

/** An overlay, and what of it stands on the map. @typedef {Overlay & {made: Drawn, shown: Drawn}} LiveOverlay */
/** @typedef {L.LayerGroup | HitLayer | null} Drawn */

/** @type {Map<string, Theme>} */
const themes = new Map();
/** @type {Map<string, LiveOverlay>} */
const overlays = new Map();
/** @type {Map<string, Feature>} */
const features = new Map();
/** @type {Map<string, Choice>} */
const choices = new Map();

/**
 * @param {string} key also of the messages `theme.<key>`
 * @param {Theme} theme
 */
export function registerTheme(key, theme) {
  add(themes, key, theme);
}

/**
 * @param {string} key also of the message `overlay.<key>`
 * @param {Overlay} overlay
 */
export function registerOverlay(key, overlay) {
  add(overlays, key, { ...overlay, made: null, shown: null });
}

/**
 * Describe the features of a layer: how an address names them, their card, how they are found.
 *
 * @param {LayerName} layer
 * @param {Feature} feature
 */
export function registerFeature(layer, feature) {
  add(features, layer, feature);
}

/**
 * @param {string} key also of the message `choice.<key>`
 * @param {Choice} choice
 */
export function registerChoice(key, choice) {
  add(choices, key, choice);
}

/**
 * @template T
 * @param {Map<string, T>} table
 * @param {string} key
 * @param {T} value
 */
function add(table, key, value) {
  if (table.has(key)) throw new Error(`${key} is registered twice`);
  table.set(key, value);
}

/** Keys of the themes in the order of their tabs. */
export function themeKeys() {
  return inOrder(themes);
}

/** Keys of the overlays from the lowest to the topmost. */
export function overlayKeys() {
  return inOrder(overlays);
}

/**
 * @param {Map<string, {order: number}>} table
 * @returns {string[]}
 */
function inOrder(table) {
  return [...table].sort((a, b) => a[1].order - b[1].order).map(([key]) => key);
}

/** @param {string} key */
export function isTheme(key) {
  return themes.has(key);
}

/** @param {string} key */
export function themeOf(key) {
  return known(themes, key);
}

/** @param {string} key */
export function overlayOf(key) {
  return known(overlays, key);
}

/**
 * @param {string} layer
 * @returns {Feature | undefined}
 */
export function featureOf(layer) {
  return features.get(layer);
}

/** The layers that are described, with their descriptions. */
export function allFeatures() {
  return /** @type {[LayerName, Feature][]} */ ([...features]);
}

/**
 * @param {string} key
 * @returns {Choice | undefined}
 */
export function choiceOf(key) {
  return choices.get(key);
}

/**
 * @template T
 * @param {Map<string, T>} table
 * @param {string} key
 * @returns {T}
 */
function known(table, key) {
  const value = table.get(key);
  if (value === undefined) throw new Error(`${key} is not registered`);
  return value;
}

/** Keys of the overlays of a theme that are on before anybody switched one. @param {string} key */
export function usualOverlays(key) {
  const { overlays: all, off = [] } = themeOf(key);
  return all.filter((each) => !off.includes(each));
}
