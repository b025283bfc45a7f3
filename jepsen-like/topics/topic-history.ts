// What the one who creates and deletes topics during a run was told, in the order of its questions: plain values, so that
// the checkers can be tested with histories written by hand. Nobody else touches these topics, so what must be is known
// unless an answer is missing.

export type TopicEvent = {
  readonly name: string;
  readonly sentMs: number;
  readonly answeredMs: number;
} & (
  | {
      readonly is: "create" | "delete";
      /** `exists` and `missing` are refusals that say how it is. */
      readonly outcome: "done" | "exists" | "missing" | "unknown";
    }
  | {
      readonly is: "append";
      /** One value, which nobody else writes; acknowledged. */
      readonly value: number;
      readonly offset: number;
    }
  | {
      /** All that lies in the topic's only partition, from offset 0 on: the values that this run wrote; -1 for any other. */
      readonly is: "read";
      readonly values: readonly number[];
    }
  | {
      /** Whether a broker lists it, asked when all was well. */
      readonly is: "listed";
      readonly broker: number;
      readonly isThere: boolean;
    }
);
