import { describe, expect, it } from "vitest";
import type { GroupId, LogIndex, Offset, PayloadPosition, ReplicaId, Term } from "../model/ids.ts";
import type { Log } from "../ports/log.ts";
import type { RecordHeader, RecordType } from "../record/record.ts";
import type { GroupTable, TableRow, TailEpoch } from "./group-table.ts";
import { Ledger } from "./ledger.ts";
import type { RecoveryVisitor } from "./owner.ts";
import { Replay } from "./replay.ts";

const silent: Log = {
  child: () => silent,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/** Replays records given as text, "append 3 t2 @1" (index 3 of term 2 in file 1), and tells what the visitor heard. */
class Script {
  readonly heard: string[] = [];
  readonly ledger = new Ledger();
  readonly replay: Replay;
  #ordinal: number;
  #position = 0;

  constructor(row: TableRow | null = null, start = 0, ordinal = 0) {
    const table: GroupTable | null =
      row === null ? null : { header: { start } as GroupTable["header"], rows: [row] };
    this.#ordinal = ordinal;
    this.replay = new Replay(silent, this.ledger, this.#visitor(), table);
  }

  play(...lines: readonly string[]): string[] {
    for (const line of lines) {
      const [type, index, term, file, damaged] = line.split(" ");
      const header = {
        type: type as RecordType,
        group: 1,
        index: Number(index),
        term: Number(term?.slice(1) ?? 0),
      } as unknown as RecordHeader;
      const payload = Uint8Array.of(Number(index));
      this.replay.record({
        header,
        ordinal: this.#ordinal++,
        file: Number(file?.slice(1) ?? 1),
        position: this.#position++ as PayloadPosition,
        payload: damaged === undefined ? payload : null,
      });
      payload.fill(0xee); // lent until the call returns
    }
    return this.heard.splice(0);
  }

  #visitor(): RecoveryVisitor {
    const hear =
      (what: string) =>
      (header: RecordHeader, _position?: unknown, payload: Uint8Array | null = null): void => {
        const isOther = payload !== null && payload[0] !== header.index;
        const bytes = isOther ? " with other bytes" : "";
        this.heard.push(`${what} ${header.index} t${header.term}${bytes}`);
      };
    return {
      groupRow: () => {},
      append: hear("append"),
      relocate: hear("relocate"),
      hardState: hear("hard-state"),
      truncate: hear("truncate"),
      configuration: hear("configuration"),
      installBase: hear("install-base"),
      dropGroup: hear("drop-group"),
      gap: () => this.heard.push("gap"),
    };
  }
}

function rowOf(base: number, asOf: number, tail: readonly TailEpoch[]): TableRow {
  return {
    asOf,
    tail,
    row: {
      group: 1 as GroupId,
      partition: 0,
      replica: 1 as ReplicaId,
      term: 9 as Term,
      vote: 0 as ReplicaId,
      base: { index: base as LogIndex, term: 1 as Term, nextOffset: 0 as Offset },
      logStart: 0 as Offset,
      configurationRevision: 0,
      configuration: new Uint8Array(0),
      dropped: false,
      suspect: false,
    },
  };
}

describe("replay", () => {
  it("never lets a copy extend or replace the log (J6)", () => {
    const script = new Script();
    script.play("configuration 0 t0", "append 1 t1 @1", "append 2 t1 @1", "append 3 t1 @1");
    expect(script.play("copy-forward 4 t1 @2")).toEqual([]);
    expect(script.play("copy-forward 2 t2 @2")).toEqual([]);
    expect(script.play("truncate 2 t0", "copy-forward 3 t1 @2")).toEqual(["truncate 2 t0"]);
    expect(script.play("append 3 t2 @2", "copy-forward 3 t1 @2")).toEqual(["append 3 t2"]);
    expect(script.play("copy-forward 2 t1 @2")).toEqual(["relocate 2 t1"]);
    expect(script.ledger.oldestPinned).toBe(1);
    expect(script.play("copy-forward 1 t1 @2")).toEqual(["relocate 1 t1"]);
    expect(script.ledger.oldestPinned).toBe(2);
  });

  it("keeps a whole original when its copy is damaged, and a whole copy when the original is", () => {
    const script = new Script();
    script.play("configuration 0 t0", "append 1 t1 @1 damaged", "append 2 t1 @1");
    expect(script.play("copy-forward 2 t1 @2 damaged")).toEqual([]);
    expect(script.play("copy-forward 1 t1 @2")).toEqual(["relocate 1 t1"]);
    expect(script.replay.end()).toEqual([]);
  });

  it("reports only damage that is still part of a log", () => {
    const script = new Script();
    script.play("configuration 0 t0", "append 1 t1 @1 damaged", "append 2 t1 @1 damaged");
    script.play("append 2 t2 @1");
    expect(script.replay.end()).toEqual([{ group: 1, index: 1, term: 1 }]);
  });

  it("finds the tail of a row among older records, in any order, and takes nothing else from them", () => {
    const tail = [
      { term: 2, last: 6 },
      { term: 3, last: 7 },
    ];
    const script = new Script(rowOf(4, 108, tail), 100, 90);
    expect(script.play("append 4 t1 @1", "append 5 t1 @1", "truncate 3 t0")).toEqual([]);
    expect(script.play("append 6 t2 @2", "append 7 t3 @2", "hard-state 0 t3")).toEqual([]);
    expect(script.play("copy-forward 5 t2 @3")).toEqual([
      "append 5 t2",
      "append 6 t2",
      "append 7 t3",
    ]);
    expect(script.play("append 8 t3 @3", "truncate 5 t0")).toEqual([]);
    expect(script.play("copy-forward 6 t2 @3")).toEqual(["relocate 6 t2"]);
    for (let each = 0; each < 8; each++) script.play("seal 0 t0");
    expect(script.play("append 8 t3 @4", "truncate 7 t0")).toEqual([
      "append 8 t3",
      "truncate 7 t0",
    ]);
    expect(script.replay.incomplete).toBe(false);
  });

  it("misses an entry that a row has and no record", () => {
    const script = new Script(rowOf(0, 5, [{ term: 1, last: 2 }]), 0, 0);
    expect(script.play("append 2 t1 @1")).toEqual([]);
    script.replay.end();
    expect(script.heard).toEqual(["gap"]);
    expect(script.replay.incomplete).toBe(true);
  });

  it("ignores a group that was dropped before the table was begun", () => {
    const other = rowOf(0, 100, []);
    const script = new Script({ ...other, row: { ...other.row, group: 2 as GroupId } }, 100, 97);
    expect(script.play("append 9 t1 @1", "hard-state 0 t1", "drop-group 0 t0")).toEqual([]);
    expect(script.play("configuration 0 t0")).toEqual(["configuration 0 t0"]);
  });

  it("hears of old groups only their end after a gap", () => {
    const script = new Script();
    script.play("configuration 0 t0", "append 1 t1 @1");
    script.replay.gap("test");
    expect(script.play("append 2 t1 @1", "hard-state 0 t5", "truncate 0 t0")).toEqual(["gap"]);
    expect(script.play("drop-group 0 t0")).toEqual(["drop-group 0 t0"]);
  });
});
