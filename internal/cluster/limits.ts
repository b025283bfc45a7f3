// Numbers of group 0 that are part of its records' meaning: every broker must apply them alike, so none is a setting.
import type { GroupId, ReplicaId } from "../model/ids.ts";

/** Group 0 is the controller itself. */
export const FIRST_GROUP = 1 as GroupId;
/** In group 0 a replica's id is its broker's id (at most 999,999), so the ids that the controller gives begin above. */
export const FIRST_REPLICA = 1_000_000 as ReplicaId;
export const FIRST_PRODUCER_ID = 0;
export const PRODUCER_ID_BLOCK = 1_000;
/** How far above the old terms a recreated topic starts (C6): room for terms that gossip had not brought yet. */
export const RECREATED_TERM_STEP = 1_000;
/** Topics that one request creates: a request is carried out in one piece, which must not take long (L7). */
export const CREATED_TOPICS_MAX = 1_000;
/** Topics, resources or rows that any request names, for the same reason; its answer has a row for each. */
export const REQUEST_ITEMS_MAX = 10_000;
/** Names of deleted topics whose terms are remembered one by one. */
export const DELETED_TERMS_MAX = 10_000;
/** Replicas of one partition that are leaving: each is in another directory. */
export const LEAVING_MAX = 64;
/** Requests of one broker that may be asked again, and the replies that are kept for it: of all, and of one. */
export const ASKED_MAX = 4_096;
export const ANSWERED_BYTES_MAX = 256 << 10;
export const ANSWER_BYTES_MAX = 64 << 10;
/** Of rows of an opaque table. */
export const ENTRY_KEY_CHARS_MAX = 1_024;
export const ENTRY_VALUE_BYTES_MAX = 64 << 10;
export const ENTRY_ROWS_MAX = 100_000;
/** Consumer groups that have configs of their own, and the length of their names. */
export const CONFIGURED_GROUPS_MAX = 10_000;
export const GROUP_NAME_CHARS_MAX = 1_024;
/** Of one registration. */
export const ENDPOINTS_MAX = 16;
/** Of one resource, and of a value of it. */
export const CONFIGS_MAX = 200;
export const CONFIG_VALUE_CHARS_MAX = 8_192;
/** Of hosts, racks, listeners and the names of configs. */
export const LABEL_CHARS_MAX = 255;
