/*
 * Raw DEFLATE (RFC 1951), for browsers older than DecompressionStream.
 *
 * Bytes in, bytes out; what the bytes mean belongs to blob.js.
 */

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227, 258,
];
const LENGTH_EXTRA = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const END_OF_BLOCK = 256;

/**
 * A Huffman code: how many codes each length has, and the symbols in order of their codes.
 *
 * @typedef {{counts: Uint16Array, symbols: Uint16Array}} Code
 */

/** Bits of the input, the lowest first. */
class BitReader {
  /** @param {Uint8Array} input */
  constructor(input) {
    this.input = input;
    this.at = 0;
    this.bits = 0;
    this.held = 0;
  }

  /**
   * @param {number} count at most 16
   * @returns {number}
   */
  read(count) {
    while (this.held < count) {
      if (this.at >= this.input.length) throw new Error("damaged data");
      this.bits |= this.input[this.at++] << this.held;
      this.held += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  /**
   * @param {Code} code
   * @returns {number}
   */
  symbol(code) {
    let word = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      word |= this.read(1);
      const count = code.counts[length];
      if (word - count < first) return code.symbols[index + (word - first)];
      index += count;
      first = (first + count) << 1;
      word <<= 1;
    }
    throw new Error("damaged data");
  }

  /** The bytes of a stored block, which starts at a whole byte. */
  stored() {
    this.bits = 0;
    this.held = 0;
    const count = this.input[this.at] | (this.input[this.at + 1] << 8);
    this.at += 4;
    if (!(this.at + count <= this.input.length)) throw new Error("damaged data");
    const bytes = this.input.subarray(this.at, this.at + count);
    this.at += count;
    return bytes;
  }
}

/** Bytes of the output, with room that doubles. */
class ByteWriter {
  /** @param {number} size a first guess of the output's size */
  constructor(size) {
    this.out = new Uint8Array(size);
    this.size = 0;
  }

  /** @param {number} extra bytes that will be written next */
  room(extra) {
    if (this.size + extra <= this.out.length) return;
    const wider = new Uint8Array(Math.max(this.out.length * 2, this.size + extra));
    wider.set(this.out);
    this.out = wider;
  }

  /** @param {number} value */
  byte(value) {
    this.room(1);
    this.out[this.size++] = value;
  }

  /** @param {Uint8Array} values */
  bytes(values) {
    this.room(values.length);
    this.out.set(values, this.size);
    this.size += values.length;
  }

  /**
   * Repeat what stands `back` bytes before the end; the copy may run into itself.
   *
   * @param {number} length
   * @param {number} back
   */
  repeat(length, back) {
    if (back > this.size) throw new Error("damaged data");
    this.room(length);
    for (let i = 0; i < length; i++, this.size++) this.out[this.size] = this.out[this.size - back];
  }
}

/**
 * The code that a list of code lengths stands for.
 *
 * @param {Uint8Array} lengths
 * @returns {Code}
 */
function codeOf(lengths) {
  const counts = new Uint16Array(16);
  const starts = new Uint16Array(16);
  const symbols = new Uint16Array(lengths.length);
  for (const length of lengths) if (length) counts[length]++;
  for (let i = 1; i < 16; i++) starts[i] = starts[i - 1] + counts[i - 1];
  starts[0] = 0;
  for (let i = 0; i < lengths.length; i++) if (lengths[i]) symbols[starts[lengths[i]]++] = i;
  return { counts, symbols };
}

/** @returns {[Code, Code]} the codes of literals and distances that need not be sent */
function fixedCodes() {
  const literals = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280);
  return [codeOf(literals.fill(8, 280)), codeOf(new Uint8Array(30).fill(5))];
}

/**
 * The codes of literals and distances that stand at the start of a block.
 *
 * @param {BitReader} input
 * @returns {[Code, Code]}
 */
function sentCodes(input) {
  const nLiterals = input.read(5) + 257;
  const nDistances = input.read(5) + 1;
  const nCodes = input.read(4) + 4;
  const codeLengths = new Uint8Array(19);
  for (let i = 0; i < nCodes; i++) codeLengths[CODE_ORDER[i]] = input.read(3);
  const codes = codeOf(codeLengths);
  const lengths = new Uint8Array(nLiterals + nDistances);
  for (let i = 0; i < lengths.length;) {
    const word = input.symbol(codes);
    if (word < 16) {
      lengths[i++] = word;
      continue;
    }
    const value = word === 16 ? lengths[i - 1] : 0;
    let repeat =
      word === 16 ? 3 + input.read(2) : word === 17 ? 3 + input.read(3) : 11 + input.read(7);
    while (repeat--) lengths[i++] = value;
  }
  return [codeOf(lengths.subarray(0, nLiterals)), codeOf(lengths.subarray(nLiterals))];
}

/**
 * @param {BitReader} input
 * @param {ByteWriter} output
 * @param {Code} literals
 * @param {Code} distances
 */
function copyBlock(input, output, literals, distances) {
  for (;;) {
    const word = input.symbol(literals);
    if (word === END_OF_BLOCK) return;
    if (word < END_OF_BLOCK) {
      output.byte(word);
      continue;
    }
    const length = LENGTH_BASE[word - 257] + input.read(LENGTH_EXTRA[word - 257]);
    const code = input.symbol(distances);
    output.repeat(length, DISTANCE_BASE[code] + input.read(code < 4 ? 0 : (code >> 1) - 1));
  }
}

/**
 * Decompress raw DEFLATE data, without the two bytes of zlib's header.
 *
 * @param {Uint8Array} bytes
 * @returns {Uint8Array}
 * @throws {Error} "damaged data" where the bytes are no DEFLATE data
 */
export function inflate(bytes) {
  const input = new BitReader(bytes);
  const output = new ByteWriter(bytes.length * 6 + 1024);
  let isLast = 0;
  while (!isLast) {
    isLast = input.read(1);
    const kind = input.read(2);
    if (kind === 3) throw new Error("damaged data");
    if (kind === 0) output.bytes(input.stored());
    else copyBlock(input, output, ...(kind === 1 ? fixedCodes() : sentCodes(input)));
  }
  return output.out.subarray(0, output.size);
}
