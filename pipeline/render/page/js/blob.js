/*
 * The page's data element: base64 text of zlib-compressed JSON, to an object.
 *
 * The inverse of `to_blob` in pipeline/render/page/encode.py.
 */
import { inflate } from "./inflate.js";

/** Bytes of zlib's header before the DEFLATE data. */
const ZLIB_HEADER = 2;

/**
 * @param {string} text of the element
 * @returns {Promise<unknown>} what `to_blob` was given
 * @throws {Error} where the text is damaged
 */
export async function readBlob(text) {
  const raw = atob(text.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return JSON.parse(await decompress(bytes));
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>}
 */
async function decompress(bytes) {
  if (typeof DecompressionStream !== "function") {
    return new TextDecoder().decode(inflate(bytes.subarray(ZLIB_HEADER)));
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}
