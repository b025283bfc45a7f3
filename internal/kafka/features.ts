// What ApiVersions says of features: clients decide by some of them what they may ask. Each is finished and always in use.
export const FEATURES = [
  // Groups whose coordinator assigns (KIP-848).
  { name: "group.version", minVersion: 0, maxVersion: 1, level: 1 },
] as const;

/** Clients take features only with an epoch; that of ours never changes. */
export const FEATURES_EPOCH = 0;
