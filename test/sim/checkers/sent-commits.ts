// Every commit of an offset that the workload has sent, each told apart by the text that goes with it, and what became of
// it. An acknowledged one is in the log; a refused one is not, nor is one of a member that the group no longer has.
import type { GroupRow } from "../../../internal/coordinator/group-state.ts";
import type { Verdict } from "./verdict.ts";

export interface SentCommit {
  readonly tag: string;
  readonly group: string;
  /** Empty: a simple consumer, which is no member. */
  readonly memberId: string;
  /** The generation, or the member's epoch. */
  readonly generation: number;
  fate: "open" | "acknowledged" | "refused" | "unknown";
  isCommitted: boolean;
}

export class SentCommits {
  readonly #verdict: Verdict;
  readonly #commits = new Map<string, SentCommit>();
  acknowledged = 0;
  /** Of members that had been silent for longer than their session. */
  zombiesRefused = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  sent(commit: SentCommit): void {
    this.#commits.set(commit.tag, commit);
  }

  /** At the moment at which a broker says so. */
  acknowledge(commit: SentCommit): void {
    commit.fate = "acknowledged";
    this.acknowledged++;
    if (commit.isCommitted) return;
    const detail = `${nameOf(commit)} was acknowledged and is not committed`;
    this.#verdict.report("acknowledged commits are committed", detail);
  }

  /** A broker refused it for a reason that excludes a record. */
  refuse(commit: SentCommit): void {
    commit.fate = "refused";
    if (commit.isCommitted) this.#wronglyIn(commit);
  }

  /** It is in the log, where `row` was what was stored of the group just before. */
  committed(tag: string, row: GroupRow | null): void {
    const commit = this.#commits.get(tag);
    if (commit === undefined) {
      return this.#verdict.report("refused commits do not appear", `nobody has sent ${tag}`);
    }
    commit.isCommitted = true;
    if (commit.fate === "refused") this.#wronglyIn(commit);
    if (isMemberOf(commit, row)) return;
    const detail = `${nameOf(commit)} was taken when the group was ${describe(row)}`;
    this.#verdict.report("commits of earlier generations are refused", detail);
  }

  #wronglyIn(commit: SentCommit): void {
    const detail = `${nameOf(commit)} was refused and is committed`;
    this.#verdict.report("refused commits do not appear", detail);
  }
}

/** Who is no member commits only while there is none. */
function isMemberOf({ memberId, generation }: SentCommit, row: GroupRow | null): boolean {
  const { stored = null, consumer = null } = row ?? {};
  if (consumer !== null) {
    if (generation < 0) return consumer.members.size === 0;
    return consumer.members.has(memberId) && consumer.position(memberId).epoch === generation;
  }
  if (generation < 0) return stored === null || stored.members.length === 0;
  return (
    stored?.generation === generation && stored.members.some((one) => one.memberId === memberId)
  );
}

function describe(row: GroupRow | null): string {
  const { stored = null, consumer = null } = row ?? {};
  if (consumer !== null) {
    const members = [...consumer.members.keys()].map(
      (memberId) => `${memberId} (${consumer.position(memberId).epoch})`,
    );
    return `at epoch ${consumer.epoch} with ${members.join(", ")}`;
  }
  const members = stored?.members.map(({ memberId }) => memberId).join(", ");
  return stored === null ? "nothing" : `generation ${stored.generation} of ${members}`;
}

function nameOf({ tag, group, memberId, generation }: SentCommit): string {
  return `commit ${tag} of ${memberId === "" ? "nobody" : memberId} in ${group} generation ${generation}`;
}
