// The controller's group comes first wherever many groups wait in one line (L8): without its leader no other group's leader is
// made known to clients, no topic is made and no broker is taken back.
import type { GroupId } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";

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
