// Features that a cluster turns on as a whole, by level: what every broker must understand before anyone relies on it.

/** The highest level that this version knows, by feature. */
export const FEATURES: ReadonlyMap<string, number> = new Map([["flotilla.metadata", 1]]);

/** What a cluster starts with. */
export const FOUNDING_FEATURES: ReadonlyMap<string, number> = new Map([["flotilla.metadata", 1]]);
