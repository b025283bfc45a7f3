// Requests that name one thing twice. Kafka refuses those things and carries out the rest.

/** The keys that occur more than once. */
export function repeatedKeys(keys: Iterable<string>): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) repeated.add(key);
    seen.add(key);
  }
  return repeated;
}
