// Bytes that are lent end with the call or with their release: whoever keeps them makes a copy. Most memory that is lent
// is used again much later or never, so tests overwrite what comes back, and whoever looks at it still is found out.

type Spoil = (bytes: Uint8Array, start: number, end: number) => void;

let spoil: Spoil | null = null;

/** From now on, in this process. For tests alone. */
export function spoilLentBytes(by: Spoil): void {
  spoil = by;
}

/** The bytes to lend: the same ones, or a copy where they must stay as they are when the borrower's are spoiled. */
export function lend(bytes: Uint8Array): Uint8Array {
  return spoil === null ? bytes : bytes.slice();
}

/** The lender has its bytes again: nobody else may look at them. */
export function takeBack(bytes: Uint8Array, start = 0, end = bytes.length): void {
  if (spoil !== null) spoil(bytes, start, end);
}
