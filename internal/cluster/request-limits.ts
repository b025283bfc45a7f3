// How many things one request may name. A request is carried out in one piece (L7), and its answer, which has a row for
// each of them, fits into one frame of the links.
import type { ControllerFault, ControllerRequest } from "./controller-requests.ts";
import { REQUEST_ITEMS_MAX } from "./limits.ts";

/** Null: the request is not too long. Asked before it is encoded, and again where it is carried out. */
export function lengthRefusal(request: ControllerRequest): ControllerFault | null {
  if (itemCount(request) <= REQUEST_ITEMS_MAX) return null;
  const detail = `One request names at most ${REQUEST_ITEMS_MAX} things; ask for them in several.`;
  return { kind: "invalid-request", detail };
}

function itemCount(request: ControllerRequest): number {
  switch (request.kind) {
    case "create-topics":
    case "delete-topics":
    case "create-partitions":
      return request.topics.length;
    case "alter-configs":
    case "alter-configs-incrementally":
      return request.resources.length;
    case "place-replicas":
    case "set-entries":
      return request.changes.length;
    case "settle-placements":
      return request.settled.length;
    case "set-feature-levels":
      return request.features.length;
    default:
      return 1;
  }
}
