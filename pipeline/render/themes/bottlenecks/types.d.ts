import type { Flags, Layer, Numbers, Words } from "../../page/js/types.d.ts";

declare module "../../page/js/types.d.ts" {
  interface Layers {
    /** The narrowest first. */
    bottlenecks: Layer & {
      bottleneck_id: string[];
      border_id: string[];
      kind: string[];
      name: Words;
      ref: Words;
      highway: string[];
      capacity_here_pcu_h: number[];
      capacity_approach_pcu_h: Numbers;
      capacity_ratio: Numbers;
      evidence: string[];
      evidence_zh: string[];
      is_bridge: Flags;
      is_toll_plaza: Flags;
      load_share_pct: Numbers;
      crossing_id: string[];
      near: Words;
    };
    /** The busiest first. */
    crossings: Layer & {
      crossing_id: string[];
      border_id: string[];
      way_id: string[];
      highway: string[];
      name: Words;
      ref: Words;
      lanes: number[];
      capacity_pcu_h: number[];
      is_bridge: Flags;
      load_share_pct: Numbers;
    };
  }
}
