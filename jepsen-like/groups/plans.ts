// The groups of a run: five with four members each, two of the classic protocol, two of the new one, and one in which
// both sit together; in each group two members are static. Their names are chosen so that their coordinators differ.
import type { GroupPlan } from "./crew.ts";
import type { GroupProtocol } from "./group-history.ts";

const MEMBERS = 4;
const STATIC_MEMBERS = 2;
const MIXED = "moss";

export const PROTOCOLS = ["classic", "consumer"] as const;

export function groupPlans(protocols: readonly GroupProtocol[]): GroupPlan[] {
  const of = (k: number): GroupProtocol => protocols[k % protocols.length] ?? "classic";
  return ["amber", "birch", "elm", "gorse", MIXED].map((group, k) => ({
    group,
    members: Array.from({ length: MEMBERS }, (_, member) => ({
      name: `${group}-${member + 1}`,
      group,
      // With one protocol alone the mixed group is one like the others.
      protocol: group === MIXED ? of(member) : of(k),
      instanceId: member < STATIC_MEMBERS ? `${group}-seat-${member + 1}` : null,
    })),
  }));
}
