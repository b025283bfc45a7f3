// The network as a process of its own, so that nothing else that its starter does holds up what passes through. Told by its
// channel what the weather is; ends with whoever started it.
import { openPassage } from "./proxy.ts";
import type { Passage } from "./proxy.ts";
import { Sky } from "./weather.ts";
import type { Effects, Rule } from "./weather.ts";

export type Order =
  | { readonly number: number; readonly open: readonly Passage[] }
  | { readonly number: number; readonly set: readonly Rule[] };

export interface Report {
  readonly number: number;
  /** What the weather before this order has done. */
  readonly effects: Effects;
}

const sky = new Sky();

async function carryOut(order: Order): Promise<void> {
  const { effects } = sky;
  if ("open" in order) {
    for (const passage of order.open) await openPassage(passage, sky);
  } else sky.set(order.set);
  const report: Report = { number: order.number, effects };
  process.send?.(report);
}

process.on("disconnect", () => process.exit(0));
process.on("message", (order: Order) => void carryOut(order));
