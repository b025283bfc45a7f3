// Kafka's error codes that this program meets, and what each proves about a produce that was refused with it.

export const CODE = {
  none: 0,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  notLeaderOrFollower: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  coordinatorLoading: 14,
  coordinatorNotAvailable: 15,
  notCoordinator: 16,
  notEnoughReplicas: 19,
  notEnoughReplicasAfterAppend: 20,
  invalidRequiredAcks: 21,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  invalidTimestamp: 32,
  topicAlreadyExists: 36,
  outOfOrderSequenceNumber: 45,
  duplicateSequenceNumber: 46,
  invalidProducerEpoch: 47,
  unknownProducerId: 59,
  groupNotFound: 69,
  offsetNotAvailable: 78,
  memberIdRequired: 79,
  fencedInstance: 82,
  invalidRecord: 87,
  fencedMemberEpoch: 110,
  unreleasedInstance: 111,
  staleMemberEpoch: 113,
} as const;

const NEVER_APPENDED: ReadonlySet<number> = new Set<number>([
  2, // CORRUPT_MESSAGE
  CODE.unknownTopicOrPartition,
  CODE.messageTooLarge,
  17, // INVALID_TOPIC_EXCEPTION
  CODE.notEnoughReplicas,
  CODE.invalidRequiredAcks,
  29, // TOPIC_AUTHORIZATION_FAILED
  CODE.invalidTimestamp,
  CODE.outOfOrderSequenceNumber,
  CODE.invalidProducerEpoch,
  CODE.unknownProducerId,
  76, // UNSUPPORTED_COMPRESSION_TYPE
  CODE.invalidRecord,
]);

/**
 * Whether this attempt certainly appended nothing. Everything else leaves it open: a time-out, an end of the connection,
 * NOT_ENOUGH_REPLICAS_AFTER_APPEND, and NOT_LEADER_OR_FOLLOWER too, which may follow an append.
 */
export function isDefiniteFailure(code: number): boolean {
  return NEVER_APPENDED.has(code);
}

/** Refusals after which an idempotent producer's session cannot go on. */
export function endsSession(code: number): boolean {
  return code === CODE.invalidProducerEpoch || code === CODE.unknownProducerId;
}

/** The group has another coordinator, or none for a moment. */
export function isElsewhere(code: number): boolean {
  return (
    code === CODE.coordinatorLoading ||
    code === CODE.coordinatorNotAvailable ||
    code === CODE.notCoordinator
  );
}
