/* Our own inflate, for old browsers, gives what zlib was given; damaged data are an error. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync, constants } from "node:zlib";
import { readBlob } from "../../pipeline/render/page/js/blob.js";
import { inflate } from "../../pipeline/render/page/js/inflate.js";
import { fixtures } from "./page.js";

const texts = {
  empty: "",
  "one letter": "a",
  repetition: "abc".repeat(5000),
  Chinese: "郑州—开封".repeat(300),
  "little repetition": Array.from({ length: 9000 }, (_, n) =>
    String.fromCharCode(33 + ((n * n) % 90)),
  ).join(""),
  "more than a window": Array.from({ length: 90_000 }, (_, n) => (n * 2654435761) % 977).join(","),
};
const ways = {
  stored: { level: 0 },
  fast: { level: 1 },
  best: { level: 9 },
  "fixed codes": { strategy: constants.Z_FIXED },
  "no matches": { strategy: constants.Z_HUFFMAN_ONLY },
};

for (const [what, text] of Object.entries(texts)) {
  for (const [how, options] of Object.entries(ways)) {
    test(`${what}, ${how}`, () => {
      const bytes = inflate(deflateRawSync(text, options));
      assert.equal(new TextDecoder().decode(bytes), text);
    });
  }
}

test("what Python packed is the same with and without the browser's own", async () => {
  const native = await readBlob(fixtures.page);
  const own = globalThis.DecompressionStream;
  try {
    Object.assign(globalThis, { DecompressionStream: undefined });
    assert.deepEqual(await readBlob(fixtures.page), native);
  } finally {
    Object.assign(globalThis, { DecompressionStream: own });
  }
});

test("damaged data are an error, not a page of nonsense", async () => {
  const whole = deflateRawSync("郑州—开封".repeat(300));
  assert.throws(() => inflate(whole.subarray(0, whole.length - 4)), /damaged data/);
  assert.throws(() => inflate(new Uint8Array([0b111])), /damaged data/);
  assert.throws(() => inflate(new Uint8Array()), /damaged data/);
  const cut = deflateSync('{"a": 1}').subarray(0, 9).toString("base64");
  await assert.rejects(readBlob(cut));
});
