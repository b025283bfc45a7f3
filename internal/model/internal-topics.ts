// The topics in which brokers keep the state of coordinators. Clients may read them and never write them (S1).

export const CONSUMER_OFFSETS = "__consumer_offsets";
export const TRANSACTION_STATE = "__transaction_state";

const INTERNAL: ReadonlySet<string> = new Set([CONSUMER_OFFSETS, TRANSACTION_STATE]);

export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name);
}
