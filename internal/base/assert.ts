// Assertions that stay on in production. A failed assertion is a bug in Flotilla, never bad input:
// bytes from outside are decoded and refused with a typed fault instead.

/** Throws when `holds` is false. `claim` is a constant sentence saying what must be true. */
export function assert(holds: boolean, claim: string): asserts holds {
  if (!holds) throw new AssertionFailed(claim);
}

/** The default branch of an exhaustive switch; reaching it is a bug. */
export function unreachable(value: never): never {
  throw new AssertionFailed(`unreachable value ${JSON.stringify(value)}`);
}

/** A broken invariant. The process that sees one stops: its state can no longer be trusted. */
export class AssertionFailed extends Error {
  override readonly name = "AssertionFailed";
}
