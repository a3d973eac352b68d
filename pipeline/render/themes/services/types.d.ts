import type { Layer, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    services: Layer & { service_id: string[]; kind: string[]; name: Words; city_id: Words };
  }
}
