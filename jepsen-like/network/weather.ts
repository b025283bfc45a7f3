// What the network between two ends is like, one direction at a time. Ends are brokers by their ids; all clients together are
// one more. Fair weather is what nobody has spoken about.

/** The end at which all clients are. */
export const CLIENTS = 0;

export interface Weather {
  /** Nothing comes through; it arrives when the weather changes, as what a sender repeats does. */
  readonly isCut: boolean;
  /** Every piece is late by this, and by up to as much again. */
  readonly delayMs: number;
  /** Bytes a second; 0: as fast as it goes. */
  readonly bytesPerS: number;
  /** Of a thousand pieces, how many are lost: they come after the sender has waited for an answer in vain. */
  readonly lostPermille: number;
  /** Of a thousand pieces, how many end their connection for both sides. */
  readonly resetPermille: number;
  /** Of a thousand pieces, how many are the last that their direction of the connection brings. */
  readonly swallowedPermille: number;
}

export const FAIR: Weather = {
  isCut: false,
  delayMs: 0,
  bytesPerS: 0,
  lostPermille: 0,
  resetPermille: 0,
  swallowedPermille: 0,
};

export const CUT: Weather = { ...FAIR, isCut: true };

export interface Rule {
  readonly from: number;
  readonly to: number;
  readonly weather: Weather;
}

/** What the rules in force have done: a nemesis that does nothing must be noticed. */
export interface Effects {
  /** Bytes, and new connections, that met a cut. */
  cutBytes: number;
  cutConnections: number;
  delayedPieces: number;
  lostPieces: number;
  resetConnections: number;
  swallowedDirections: number;
  /** Connections of which it is not known who opened them: they see fair weather. */
  strangers: number;
}

export function noEffects(): Effects {
  return {
    cutBytes: 0,
    cutConnections: 0,
    delayedPieces: 0,
    lostPieces: 0,
    resetConnections: 0,
    swallowedDirections: 0,
    strangers: 0,
  };
}

/** The weather of every direction, and what it has done since the rules were set. */
export class Sky {
  effects = noEffects();
  readonly #rules = new Map<string, Weather>();
  readonly #changed = new Set<() => void>();

  set(rules: readonly Rule[]): void {
    this.effects = noEffects();
    this.#rules.clear();
    for (const { from, to, weather } of rules) this.#rules.set(`${from} ${to}`, weather);
    for (const tell of [...this.#changed]) tell();
  }

  over(from: number, to: number): Weather {
    return this.#rules.get(`${from} ${to}`) ?? FAIR;
  }

  /** `tell` runs at every change, until the returned function is called. */
  watch(tell: () => void): () => void {
    this.#changed.add(tell);
    return () => this.#changed.delete(tell);
  }
}
