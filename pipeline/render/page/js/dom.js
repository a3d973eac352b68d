/*
 * The only way that markup is made: elements with text nodes. No string of the data is ever
 * parsed as markup.
 */
/** @import {Children} from "./types.d.ts" */

/**
 * Attributes by name. `text` is the element's text, `onclick` and the like are listeners; null
 * and false are left out.
 *
 * @typedef {string | number | boolean | null | undefined} AttributeValue
 * @typedef {Record<string, AttributeValue | ((event: Event) => void)>} Attributes
 */

/**
 * An HTML element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Children} children null to skip
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "text") element.textContent = String(value ?? "");
    else setAttribute(element, name, value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {AttributeValue} value
 */
function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * An element of a drawing.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * @template {Element} E
 * @param {E} element
 * @returns {E} without its children
 */
export function clear(element) {
  while (element.firstChild) element.removeChild(element.firstChild);
  return element;
}

/**
 * An element that page.html has.
 *
 * @param {string} selector
 * @returns {HTMLElement}
 * @throws {Error} where it has not
 */
export function find(selector) {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}

/**
 * All elements that a selector finds.
 *
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export function findAll(selector) {
  return Array.from(document.querySelectorAll(selector)).filter(
    (each) => each instanceof HTMLElement,
  );
}
