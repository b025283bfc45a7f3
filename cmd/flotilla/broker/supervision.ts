// What a broker and the supervisor of a local cluster say to each other, over the channel that node opens between a
// process and its child. When the channel closes, the supervisor is gone, and the broker stops in order, unless it was
// told before to stand alone.

export type BrokerReport =
  | { readonly is: "started" }
  | { readonly is: "serving" }
  | { readonly is: "stopping"; readonly why: string }
  | { readonly is: "failed"; readonly message: string; readonly hint: string | null };

export const STAND_ALONE = "stand-alone";

/** Tells the supervisor, if there is one. */
export function report(what: BrokerReport): void {
  if (process.connected) process.send?.(what);
}

/** Runs `orphaned` when the supervisor is gone. */
export function watchSupervisor(orphaned: () => void): void {
  if (process.send === undefined) return;
  let isAlone = false;
  process.on("message", (message) => {
    if (message === STAND_ALONE) isAlone = true;
  });
  process.on("disconnect", () => {
    if (!isAlone) orphaned();
  });
}
