// Handing leadership to a chosen voter: proposals stop, everything is committed and the target has
// it, and the target is told to campaign at once. A target that may not lead says so.
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
  leading.transfer = { to, told: false, mayCampaign: false };
  tellTarget(state);
}

/**
 * Tells the target to campaign once its log is this leader's. All of it is committed by then, so
 * that whoever waits for an entry hears of it before leadership moves (F4 would fail them).
 */
export function tellTarget(state: State): void {
  const { leading, term, log } = state;
  const pending = leading?.transfer;
  if (leading === null || !pending || pending.told) return;
  if (state.commit !== log.last || peerOf(leading, pending.to)?.match !== log.last) return;
  pending.told = true;
  pending.mayCampaign = true;
  send(state, pending.to, { say: "timeout-now", term });
}

/** The transfer did not happen. */
export function failTransfer(state: State): void {
  const pending = state.leading?.transfer;
  if (!state.leading || !pending) return;
  state.leading.transfer = null;
  state.effects.push({ do: "transfer-failed", to: pending.to });
}
