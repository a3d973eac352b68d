/*
 * Node's loader, so that the pages' modules are read as what they are: no package.json beside
 * them says so, since none ships. Used as `node --import ./register.js --test`.
 */
import { register } from "node:module";

const hooks = `
export async function load(url, context, next) {
  return next(url, url.endsWith(".js") ? { ...context, format: "module" } : context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
