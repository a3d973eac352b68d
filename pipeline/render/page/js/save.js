/*
 * Files that the page makes and hands to the reader, with no network.
 */
import { data } from "./data.js";
import { el } from "./dom.js";

/** Not in a file's name on any system. */
const NOT_IN_A_FILE_NAME = /[\p{Cc}<>:"/\\|?*]+/gu;

/**
 * @param {string} name of what is in it
 * @param {string} ending
 * @param {BlobPart} content
 * @param {string} type
 */
export function saveFile(name, ending, content, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: url, download: fileName(name, ending) }).click();
  // The browser reads the address when it starts the download.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/**
 * The metro, what it is, and that it is synthetic where it is.
 *
 * @param {string} name
 * @param {string} ending
 */
export function fileName(name, ending) {
  const parts = [data.metro.id, name, data.facts.is_synthetic ? "synthetic" : null];
  return `${parts.filter(Boolean).join("-").replace(NOT_IN_A_FILE_NAME, " ").trim()}.${ending}`;
}
