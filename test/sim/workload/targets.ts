// The topics under test: one whose partitions have several replicas, and one whose partitions have a single one.
export const TOPIC = "history";
export const SINGLE_TOPIC = "single";
