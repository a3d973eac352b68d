/*
 * A page without a browser: its data, every module of the page and its themes, in Node.
 *
 * The fixtures are made by tests/unit/render/page/test_javascript.py, which runs these tests.
 */
import { readdirSync, readFileSync } from "node:fs";

export const RENDER = new URL("../../pipeline/render/", import.meta.url);

const path = process.env.PAGE_FIXTURES;
if (!path) throw new Error("run through pytest: tests/unit/render/page/test_javascript.py");
export const fixtures = JSON.parse(readFileSync(path, "utf8"));

/** What of Leaflet the modules need to be loaded: classes to extend. */
const leaflet = {
  CircleMarker: class {},
  Control: class {},
  GridLayer: class {},
  Layer: class {},
  LayerGroup: class {},
  Path: class {},
};

/**
 * The page of the fixtures: its data unpacked, all themes registered.
 *
 * @param {"zh" | "en"} lang
 */
export async function openPage(lang) {
  Object.assign(globalThis, { L: leaflet });
  const [{ fill }, { readBlob }, { state }] = await Promise.all([
    import("../../pipeline/render/page/js/data.js"),
    import("../../pipeline/render/page/js/blob.js"),
    import("../../pipeline/render/page/js/state.js"),
  ]);
  /** @typedef {Parameters<typeof fill>[0]} Payload */
  fill(/** @type {Payload} */ (await readBlob(fixtures.page)));
  for (const folder of ["page/js/", "themes/"]) {
    for (const name of readdirSync(new URL(folder, RENDER), { recursive: true })) {
      const isModule = String(name).endsWith(".js") && name !== "boot.js";
      if (isModule) await import(new URL(folder + String(name).replaceAll("\\", "/"), RENDER).href);
    }
  }
  state.lang = lang;
  return state;
}
