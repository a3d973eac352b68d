import type { Numbers, Table, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    /** Border and city both null: the metro. */
    indicators: Table & {
      border_id: Words;
      city_id: Words;
      dimension: string[];
      indicator: string[];
      value: Numbers;
      value_zone_error: Numbers;
      unit: string[];
      score: Numbers;
      coverage_pct: Numbers;
    };
  }
}
