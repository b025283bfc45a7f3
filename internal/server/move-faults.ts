// Bugs that tests plant in how replicas come and go. Production passes none.

export interface MoveFaults {
  /** A replica is dropped as soon as the target excludes it, although its group may still count it (breaks C4). */
  readonly dropsExcluded?: boolean;
  /** Images that are older than this start of the broker create and drop replicas (breaks C5 and F5). */
  readonly trustsOldImages?: boolean;
  /** The controller never hears that a group has settled (breaks C4). */
  readonly neverSettles?: boolean;
}
