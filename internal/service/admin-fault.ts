// The controller's refusals in the words of the services: what only brokers ask for is "refused" to everybody else.
import type { ControllerFault } from "../cluster/controller-requests.ts";
import type { AdminFault } from "./cluster-service.ts";

export function adminFault(fault: ControllerFault): AdminFault {
  const { kind, detail } = fault;
  switch (kind) {
    case "duplicate-broker":
    case "stale-incarnation":
    case "wrong-cluster":
    case "invalid-feature-level":
      return { kind: "refused", detail };
    case "not-leader":
      return { kind: "timed-out", detail };
    default:
      return { kind, detail };
  }
}
