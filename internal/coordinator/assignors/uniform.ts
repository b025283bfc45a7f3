// The assignor "uniform": everybody gets as many partitions as everybody else, give or take one, as far as subscriptions
// allow, and keeps what he has as far as that allows. Racks play no part: any replica may be read from.
import type { Assignor } from "../assignment.ts";
import { level } from "./level.ts";
import { assignmentsOf, ownershipOf } from "./ownership.ts";
import { share } from "./share.ts";

export const uniform: Assignor = (members, topics) => {
  const ownership = ownershipOf(members, topics);
  const [first, ...others] = ownership.subscriptions;
  // Equal subscriptions are one list.
  if (others.every((list) => list === first)) share(ownership);
  else level(ownership);
  return assignmentsOf(ownership);
};
