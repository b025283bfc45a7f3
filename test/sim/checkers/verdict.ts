// What the checkers of one run have found. They report and go on; the run stops by itself after the event in which the
// first of them reported, because nothing that follows a violation proves anything.

/** The properties of docs/testing.md, by name. */
export type Property =
  | "one leader per term"
  | "one broker of a group serves"
  | "voters keep their promises"
  | "followers are loyal"
  | "committed entries do not change"
  | "nothing below the commit index is truncated"
  | "leaders hold what is committed"
  | "commits are durable on a majority"
  | "leaders commit entries of their own term"
  | "promises do not outrun durability"
  | "recovery brings back what was durable"
  | "replicas are made once"
  | "tickets are used once per directory"
  | "disks that went back are found out"
  | "acknowledged records are committed"
  | "acknowledged records are everywhere"
  | "only what was sent is in the log"
  | "refused records do not appear"
  | "idempotent producers neither repeat nor reorder"
  | "the high watermark never goes back"
  | "nothing above the high watermark is served"
  | "no corrupted byte is served"
  | "groups have leaders"
  | "requests are answered"
  | "epoch histories equal the logs"
  | "writes resume"
  | "every start ends in serving"
  | "whoever waits says for whom"
  | "replicas converge"
  | "nothing is left over"
  | "requests happen once"
  | "own readers skip nothing"
  | "brokers end only for a reason"
  | "assertions hold"
  | "committed offsets never go back"
  | "committed offsets are told"
  | "acknowledged commits are committed"
  | "refused commits do not appear"
  | "commits of earlier generations are refused"
  | "generations never go back"
  | "one owner per partition and generation"
  | "coordinators answer when they lead and have loaded"
  | "coordinators hold what is committed"
  | "consumer groups settle";

export interface Finding {
  readonly property: Property;
  readonly detail: string;
  readonly atUs: number;
}

const FINDINGS_MAX = 10;

export class Verdict {
  readonly findings: Finding[] = [];
  readonly #nowUs: () => number;

  constructor(nowUs: () => number = () => 0) {
    this.#nowUs = nowUs;
  }

  report(property: Property, detail: string): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    this.findings.push({ property, detail, atUs: this.#nowUs() });
  }

  get failed(): boolean {
    return this.findings.length > 0;
  }

  /** The properties found broken, for tests. */
  get broken(): Property[] {
    return [...new Set(this.findings.map(({ property }) => property))];
  }
}
