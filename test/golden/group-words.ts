// The words of one line of a transcript of groups, and member ids as they are written there: `A-1` is the first id that
// was given out, to client A.
const SHORT_ID = /^(.*)-(\d+)$/;

export class Words {
  readonly plain: readonly string[];
  readonly #named: ReadonlyMap<string, string>;

  constructor(words: readonly string[]) {
    this.plain = words.filter((word) => !word.includes("="));
    const pairs = words.filter((word) => word.includes("="));
    this.#named = new Map(
      pairs.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
    );
  }

  text(name: string, fallback: string): string {
    return this.#named.get(name) ?? fallback;
  }

  textOrNull(name: string): string | null {
    return this.#named.get(name) ?? null;
  }

  number(name: string, fallback: number): number {
    return Number(this.#named.get(name) ?? fallback);
  }

  get claim() {
    return {
      memberId: longId(this.text("id", "")),
      instanceId: this.textOrNull("instance"),
      generation: this.number("gen", -1),
    };
  }
}

export function longId(id: string): string {
  return id.replace(SHORT_ID, (_all, prefix: string, number: string) => {
    return `${prefix}-00000000-0000-4000-8000-${number.padStart(12, "0")}`;
  });
}
