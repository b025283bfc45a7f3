// Handing leadership to a chosen voter: proposals stop, the target catches up, and is told to
// campaign at once.
import type { ReplicaId } from "../model/ids.ts";
import { peerOf } from "./replication.ts";
import type { State } from "./state.ts";
import { send } from "./term.ts";

export function transfer(state: State, to: ReplicaId): void {
  const { leading } = state;
  if (leading?.transfer?.to === to) return;
  const peer = leading === null ? null : peerOf(leading, to);
  const possible = leading?.transfer === null && peer?.reachable === true;
  if (!possible || !state.configurations.inForce.voters.includes(to)) {
    state.effects.push({ do: "transfer-failed", to });
    return;
  }
  leading.transfer = { to, told: false };
  tellTarget(state);
}

/** Tells the target to campaign once its log is this leader's. */
export function tellTarget(state: State): void {
  const { leading, term } = state;
  const pending = leading?.transfer;
  if (leading === null || !pending || pending.told) return;
  if (peerOf(leading, pending.to)?.match !== state.log.last) return;
  pending.told = true;
  send(state, pending.to, { say: "timeout-now", term });
}

/** The transfer did not happen. */
export function failTransfer(state: State): void {
  const pending = state.leading?.transfer;
  if (!state.leading || !pending) return;
  state.leading.transfer = null;
  state.effects.push({ do: "transfer-failed", to: pending.to });
}
