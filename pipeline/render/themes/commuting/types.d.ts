import type { Flags, Layer, Numbers, Table, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    centres: Layer & { centre_id: string[]; kind: string[]; name: string[]; city_id: string[] };
    /** Around cities' centres only; the widest of a centre first. */
    isochrones: Layer & {
      centre_id: string[];
      mode: string[];
      minutes: number[];
      area_km2: number[];
      population: Numbers;
    };
    /** Share of each city within an hour of the core. */
    circle: Table & {
      city_id: string[];
      mode: string[];
      population: Numbers;
      population_share_pct: Numbers;
      area_share_pct: Numbers;
    };
    /** People who reach the core within so many minutes. */
    reach: Table & {
      mode: string[];
      minutes: number[];
      population: Numbers;
      population_share_pct: Numbers;
    };
    centre_times: Table & {
      from_id: string[];
      to_id: string[];
      mode: string[];
      minutes: Numbers;
      distance_km: Numbers;
      straight_km: number[];
      detour_ratio: Numbers;
      border_crossings: Numbers;
      reason: Words;
    };
    border_effect: Table & {
      border_id: string[];
      mode: string[];
      penalty_pct: Numbers;
      ci_low_pct: Numbers;
      ci_high_pct: Numbers;
      n_pairs: number[];
      placebo_low_pct: Numbers;
      placebo_high_pct: Numbers;
      /** What the interval says: longer, shorter or not_detected. */
      detection: Words;
      includes_river: Flags;
      reason: Words;
    };
    stations: Layer & { station_id: string[]; name: Words; kind: string[]; city_id: Words };
    rides: Layer & {
      line: string[];
      mode: string[];
      minutes: number[];
      headway_min: number[];
      evidence: string[];
    };
  }
}
