// Requests to the controller as its log shows them: each happens once (C9), what was refused does not happen, and what was
// acknowledged has. Topics are known by their ids, which nobody chooses twice; changes of configs by a value of their own.
import type { ControllerRecord } from "../../../internal/cluster/records.ts";
import type { LogIndex } from "../../../internal/model/ids.ts";
import type { Verdict } from "./verdict.ts";

/** The config that carries the mark of a change. */
export const MARKED = "retention.ms";

export class Once {
  readonly #verdict: Verdict;
  #version = 0 as LogIndex;
  readonly #topics = new Set<string>();
  /** By topic id: the mark that it has. */
  readonly #present = new Map<string, string>();
  readonly #marks = new Set<string>();
  readonly #refused = new Set<string>();

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** Marks that took effect. */
  get changes(): number {
    return this.#marks.size;
  }

  /** An entry of group 0 that some broker has applied; each broker tells all of them, in order. */
  committed(version: LogIndex, records: readonly ControllerRecord[]): void {
    if (version <= this.#version) return;
    this.#version = version;
    for (const record of records) {
      if (record.kind === "topic-created") this.#created(record.topicId, record.name);
      else if (record.kind === "topic-configs-set") this.#configured(record);
    }
  }

  acknowledged(mark: string): void {
    if (this.#marks.has(mark)) return;
    this.#verdict.report("requests happen once", `mark ${mark} is acknowledged and not committed`);
  }

  refused(mark: string): void {
    this.#refused.add(mark);
    if (this.#marks.has(mark)) this.#appeared(mark);
  }

  #created(topicId: string, name: string): void {
    if (this.#topics.has(topicId)) {
      this.#verdict.report("requests happen once", `topic ${name} is created again as ${topicId}`);
    }
    this.#topics.add(topicId);
  }

  #configured({
    topicId,
    configs,
  }: Extract<ControllerRecord, { kind: "topic-configs-set" }>): void {
    const mark = configs.find(({ name }) => name === MARKED)?.value;
    if (mark === undefined || this.#present.get(topicId) === mark) return;
    if (this.#marks.has(mark)) {
      this.#verdict.report("requests happen once", `mark ${mark} is set again`);
    }
    this.#present.set(topicId, mark);
    this.#marks.add(mark);
    if (this.#refused.has(mark)) this.#appeared(mark);
  }

  #appeared(mark: string): void {
    this.#verdict.report("requests happen once", `mark ${mark} was refused and is committed`);
  }
}
