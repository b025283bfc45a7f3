// How a coordinator writes to its log and reads what is committed, with the log's refusals in the words of groups.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { StateLog, StateLogFault } from "../statelog/state-log.ts";
import { groupCodec } from "./group-codec.ts";
import type { GroupRecord } from "./group-records.ts";
import type { GroupFault } from "./group-requests.ts";
import type { GroupState, GroupWrite } from "./group-state.ts";
import { inPieces } from "./pieces.ts";

export type GroupLog = StateLog<GroupState, GroupWrite, null, GroupFault, GroupRecord>;

type Done = (fault: GroupFault | null) => void;

export class GroupWriter {
  readonly #log: GroupLog;
  readonly #entryBytesMax: number;
  readonly #refusal: () => GroupFault | null;

  /** `refusal`: why this broker may not answer now (L5). */
  constructor(log: GroupLog, entryBytesMax: number, refusal: () => GroupFault | null) {
    this.#log = log;
    this.#entryBytesMax = entryBytesMax;
    this.#refusal = refusal;
  }

  write(records: readonly GroupRecord[], tooLarge: GroupFault, done: Done): void {
    this.submit(() => ok(records), tooLarge, done);
  }

  submit(decide: GroupWrite, tooLarge: GroupFault, done: Done): void {
    this.#log.submit(decide, (outcome) =>
      done(outcome.ok ? null : faultOf(outcome.fault, tooLarge)),
    );
  }

  /** Whether these can be one entry. */
  fits(records: readonly GroupRecord[]): boolean {
    let bytes = 0;
    for (const record of records) bytes += groupCodec.bytesMax(record);
    return bytes <= this.#entryBytesMax;
  }

  /** In as many entries as it takes, in order. */
  writeAll(records: readonly GroupRecord[], done: Done): void {
    const pieces = inPieces(records, this.#entryBytesMax);
    let left = pieces.length;
    let refused: GroupFault | null = null;
    if (left === 0) return this.write([], "commit-too-large", done);
    for (const piece of pieces) {
      this.write(piece, "commit-too-large", (fault) => {
        refused ??= fault;
        if (--left === 0) done(refused);
      });
    }
  }

  /** Looks at once; answers when what was seen is committed. */
  read<T>(
    look: (state: Readonly<GroupState>) => Result<T, GroupFault>,
    done: (outcome: Result<T, GroupFault>) => void,
  ): void {
    this.#log.read(look, (outcome) => {
      if (!outcome.ok) return done(failed(faultOf(outcome.fault, "coordinator-not-available")));
      const late = this.#refusal();
      done(late === null ? outcome.value : failed(late));
    });
  }
}

function faultOf(fault: GroupFault | StateLogFault, tooLarge: GroupFault): GroupFault {
  if (typeof fault === "string") return fault;
  switch (fault.kind) {
    case "not-leader":
    case "outcome-unknown":
      return "not-coordinator";
    case "busy":
    case "storage-full":
      return "coordinator-not-available";
    case "too-large":
      return tooLarge;
  }
}
