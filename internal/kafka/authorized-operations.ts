// The operations that a client may carry out, as a bit mask over Kafka's ACL operations. There is no authorisation at this
// front end yet, so whoever asks may do everything that the resource knows.

/** The value of the fields when the client did not ask. */
export const NOT_ASKED = -0x8000_0000;

const OPERATION = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

function maskOf(...operations: readonly (keyof typeof OPERATION)[]): number {
  let mask = 0;
  for (const operation of operations) mask |= 1 << OPERATION[operation];
  return mask;
}

export const TOPIC_OPERATIONS = maskOf(
  "READ",
  "WRITE",
  "CREATE",
  "DELETE",
  "ALTER",
  "DESCRIBE",
  "DESCRIBE_CONFIGS",
  "ALTER_CONFIGS",
);

export const GROUP_OPERATIONS = maskOf("READ", "DELETE", "DESCRIBE");

export const CLUSTER_OPERATIONS = maskOf(
  "CREATE",
  "ALTER",
  "DESCRIBE",
  "CLUSTER_ACTION",
  "DESCRIBE_CONFIGS",
  "ALTER_CONFIGS",
  "IDEMPOTENT_WRITE",
);
