// The controller's group comes first wherever many groups wait in one line (L8): without its leader no other group's leader is
// made known to clients, no topic is made and no broker is taken back.
import type { GroupId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { Replica } from "./replica.ts";

export function isController(group: GroupId): boolean {
  return group === CONTROLLER_GROUP;
}

/** The items, that of the controller's group before all others, which keep their order. */
export function controllerFirst<T extends { readonly group: GroupId }>(items: Iterable<T>): T[] {
  const all = [...items];
  const at = all.findIndex(({ group }) => isController(group));
  if (at > 0) all.unshift(...all.splice(at, 1));
  return all;
}

/** Whether the controller's group is without a leader whose first entry is committed, as far as is known here. */
export function lacksLeader({ machine }: Replica): boolean {
  return machine.leader === null || machine.termAt(machine.commit) !== machine.term;
}

/** Whether a group lets the controller's have its leader first. Who asks others what they hold (D3) begins nothing. */
export function waitsForController({ group, machine }: Replica): boolean {
  return !isController(group) && machine.standing !== "recalling";
}
