// The groups of a run: four with five members each, half of them of the classic protocol and half of the new one; in each
// group two members are static. Their names are chosen so that their coordinators differ.
import type { GroupPlan } from "./crew.ts";
import type { GroupProtocol } from "./group-history.ts";

const MEMBERS = 5;
const STATIC_MEMBERS = 2;

export const PROTOCOLS = ["classic", "consumer"] as const;

export function groupPlans(protocols: readonly GroupProtocol[]): GroupPlan[] {
  // With one protocol alone there are as many groups, so that runs can be compared.
  const of = (k: number): GroupProtocol => protocols[k % protocols.length] ?? "classic";
  return ["amber", "birch", "elm", "gorse"].map((group, k) => ({
    group,
    members: Array.from({ length: MEMBERS }, (_, member) => ({
      name: `${group}-${member + 1}`,
      group,
      protocol: of(k),
      instanceId: member < STATIC_MEMBERS ? `${group}-seat-${member + 1}` : null,
    })),
  }));
}
