// Two leaders of one group in one term never exist (N1).
import type { GroupId, Term } from "../../../internal/model/ids.ts";
import type { Verdict } from "./verdict.ts";

export class SingleLeader {
  readonly #verdict: Verdict;
  readonly #leaders = new Map<GroupId, Map<Term, string>>();
  /** Elections seen, those of a leader that was elected again in its term not counted. */
  elections = 0;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  /** `who` names the process, so that a replica that leads a term before and after a restart shows as well. */
  elected(group: GroupId, term: Term, who: string): void {
    let terms = this.#leaders.get(group);
    if (terms === undefined) this.#leaders.set(group, (terms = new Map()));
    const known = terms.get(term);
    if (known === undefined) {
      terms.set(term, who);
      this.elections++;
    } else if (known !== who) {
      const detail = `group ${group} term ${term}: ${known} and ${who}`;
      this.#verdict.report("one leader per term", detail);
    }
  }
}
