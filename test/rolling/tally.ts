// What one client went through: what it sent, was told, read, and what went wrong. Judged at the end: every acknowledged
// record was read, each lies in the log once, and nothing that the application would notice happened.
export interface Verdict {
  readonly acked: number;
  /** What the application saw: rejected sends, exceptions, crashes. */
  readonly errors: number;
  /** Acknowledged, and never read. */
  readonly lost: number;
  /** Records that lie in the log more than once. */
  readonly duplicates: number;
  /** Records of a partition that lie in another order than they were sent in. */
  readonly disordered: number;
  /** The same place of the log read again, as groups may after a member moved. No failure. */
  readonly readAgain: number;
  /** What the client's library noticed and handled itself. */
  readonly notices: number;
  readonly latencyMsMax: number;
  readonly latencyMs99: number;
  readonly complaints: readonly string[];
}

const COMPLAINTS_MAX = 8;

export class Tally {
  isReady = false;
  hasSentAll = false;
  readonly #acked = new Set<string>();
  readonly #tookMs: number[] = [];
  /** Places of each value. */
  readonly #places = new Map<string, Set<string>>();
  readonly #numberAt = new Map<string, number>();
  readonly #complaints = new Map<string, number>();
  #errors = 0;
  #notices = 0;
  #readAgain = 0;

  /** The slowest send until now. */
  get slowestMs(): number {
    return this.#tookMs.reduce((slowest, tookMs) => Math.max(slowest, tookMs), 0);
  }

  /** One line of the client's output. */
  take(line: string): void {
    const [say, ...words] = JSON.parse(line) as [string, ...(string | number)[]];
    switch (say) {
      case "ready":
        this.isReady = true;
        return;
      case "acked":
        this.#acked.add(String(words[0]));
        this.#tookMs.push(Number(words[1]));
        return;
      case "failed":
        return this.fail(`${words[0]}: ${words[1]}`);
      case "notice":
        this.#notices++;
        return;
      case "read":
        return this.#read(Number(words[0]), Number(words[1]), String(words[2]));
      case "sent-all":
        this.hasSentAll = true;
        return;
      default:
        return this.fail(`says ${line}`);
    }
  }

  fail(complaint: string): void {
    this.#errors++;
    this.#complaints.set(complaint, (this.#complaints.get(complaint) ?? 0) + 1);
  }

  #read(partition: number, offset: number, value: string): void {
    const place = `${partition}@${offset}`;
    const places = this.#places.get(value) ?? new Set<string>();
    this.#places.set(value, places);
    if (places.has(place)) this.#readAgain++;
    places.add(place);
    this.#numberAt.set(place, Number(value.slice(value.indexOf("-") + 1)));
  }

  get ackedCount(): number {
    return this.#acked.size;
  }

  get missing(): number {
    let missing = 0;
    for (const value of this.#acked) if (!this.#places.has(value)) missing++;
    return missing;
  }

  verdict(): Verdict {
    let duplicates = 0;
    for (const places of this.#places.values()) duplicates += places.size - 1;
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    const complaints = [...this.#complaints].map(([what, times]) => `${times} x ${what}`);
    return {
      acked: this.#acked.size,
      errors: this.#errors,
      lost: this.missing,
      duplicates,
      disordered: this.#disordered(),
      readAgain: this.#readAgain,
      notices: this.#notices,
      latencyMsMax: sorted.at(-1) ?? 0,
      latencyMs99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      complaints: complaints.slice(0, COMPLAINTS_MAX),
    };
  }

  #disordered(): number {
    const byPartition = new Map<string, [offset: number, number: number][]>();
    for (const [place, number] of this.#numberAt) {
      const [partition = "", offset = ""] = place.split("@");
      const list = byPartition.get(partition) ?? [];
      byPartition.set(partition, list);
      list.push([Number(offset), number]);
    }
    let count = 0;
    for (const list of byPartition.values()) {
      list.sort(([a], [b]) => a - b);
      list.forEach(([, number], at) => {
        if (at > 0 && number < (list[at - 1] as [number, number])[1]) count++;
      });
    }
    return count;
  }
}
