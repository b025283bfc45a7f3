// The numbers and names every layer speaks of. All are safe integers or short strings; the two that
// are most easily confused, LogIndex and Offset, are incompatible types on purpose.
import type { Brand } from "../base/brand.ts";

/** A broker's configured id, 1 or more. Kept across restarts and disk replacements. */
export type BrokerId = Brand<number, "BrokerId">;
/** A Raft group. Never reused; group 0 is the controller. */
export type GroupId = Brand<number, "GroupId">;
/** A member of one group. Assigned by the controller, never reused, lost with its disk (F5). */
export type ReplicaId = Brand<number, "ReplicaId">;
/** A Raft term; Kafka's leader epoch. */
export type Term = Brand<number, "Term">;
/** A position in a group's Raft log. The first entry has index 1; 0 means "before the log". */
export type LogIndex = Brand<number, "LogIndex">;
/** A Kafka offset: counts records of a partition from 0. */
export type Offset = Brand<number, "Offset">;
/** The sequence of a journal batch: what durability is reported by (J4). Grows for ever per data directory. */
export type Ticket = Brand<number, "Ticket">;
/** One start of a data directory, by a number that is drawn for it; a ticket is told together with it (D3). */
export type StartId = Brand<number, "StartId">;
/** A place in the stream of payload bytes that this process has put into its journal since it started. */
export type PayloadPosition = Brand<number, "PayloadPosition">;
/** 22 characters of URL-safe base64: 16 random bytes. Never reused for a topic of the same name (C6). */
export type TopicId = Brand<string, "TopicId">;
/** 22 characters of URL-safe base64, chosen when a data directory is first used. A wiped disk gets a new one (F5). */
export type DirectoryId = Brand<string, "DirectoryId">;
/** 22 characters of URL-safe base64, the first record of group 0 (C1). */
export type ClusterId = Brand<string, "ClusterId">;
/** Counts the starts of one data directory; grows for ever. */
export type Incarnation = Brand<number, "Incarnation">;

/** The group of the controller. */
export const CONTROLLER_GROUP = 0 as GroupId;
