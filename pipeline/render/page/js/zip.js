/*
 * Files as one ZIP archive, stored as they are (PKWARE's APPNOTE 6.3: local headers, central
 * directory, end record). What it holds stays under 4 GB and 65,535 files.
 */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
/** Names are UTF-8. */
const UTF8_FLAG = 0x0800;
/** 1980-01-01: the same bytes whenever they are made. */
const DOS_DATE = 0x0021;
const CRC_POLYNOMIAL = 0xedb88320;

/**
 * @param {[name: string, text: string][]} files
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function zip(files) {
  const encoder = new TextEncoder();
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, text] of files) {
    const [path, bytes] = [encoder.encode(name), encoder.encode(text)];
    const shared = sharedFields(bytes, path);
    const local = record([4, LOCAL], [2, VERSION], ...shared);
    parts.push(local, path, bytes);
    const rest = fields([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
    directory.push(record([4, CENTRAL], [2, VERSION], [2, VERSION], ...shared, ...rest), path);
    offset += local.length + path.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const count = files.length;
  const end = record(
    [4, END],
    [2, 0],
    [2, 0],
    [2, count],
    [2, count],
    [4, size],
    [4, offset],
    [2, 0],
  );
  return joined([...parts, ...directory, end]);
}

/** Width in bytes and value. @typedef {[width: number, value: number]} Field */

/**
 * @param {...Field} given
 * @returns {Field[]}
 */
function fields(...given) {
  return given;
}

/**
 * What a local header and an entry of the directory both have.
 *
 * @param {Uint8Array} bytes
 * @param {Uint8Array} path
 */
function sharedFields(bytes, path) {
  const { length } = bytes;
  return fields(
    [2, UTF8_FLAG],
    [2, 0],
    [2, 0],
    [2, DOS_DATE],
    [4, crc32(bytes)],
    [4, length],
    [4, length],
    [2, path.length],
    [2, 0],
  );
}

/** @param {...Field} given */
function record(...given) {
  const view = new DataView(new ArrayBuffer(given.reduce((sum, [width]) => sum + width, 0)));
  let at = 0;
  for (const [width, value] of given) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
  return new Uint8Array(view.buffer);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * The checksum of ISO 3309.
 *
 * @param {Uint8Array} bytes
 */
export function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? CRC_POLYNOMIAL : 0);
  }
  return ~sum >>> 0;
}
