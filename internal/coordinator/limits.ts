// Bounds of group coordinators that are not settings: nobody has had a reason to change them yet.

/** Of names that clients choose: they are stored with lengths of 16 bits, and a character has at most three bytes. */
export const NAME_CHARS_MAX = 10_000;
/** How much of a client's or an instance's name becomes part of a member id. */
export const ID_PREFIX_CHARS_MAX = 255;
/** Bytes of one log entry: what the default max.message.bytes takes. */
export const ENTRY_BYTES_MAX = 1_000_000;
/** Metadata of one member's protocols together. */
export const MEMBER_BYTES_MAX = 1 << 20;
/** Protocols of one member. */
export const PROTOCOLS_MAX = 100;
/** How often expired offsets are looked for. */
export const EXPIRY_CHECK_MS = 10 * 60_000;
/** Of a regular expression that a member subscribes with, and of the program that it compiles to. */
export const PATTERN_CHARS_MAX = 1_000;
export const PATTERN_INSTRUCTIONS_MAX = 1_000;
/** Expressions whose matches a broker remembers. */
export const PATTERNS_MAX = 300;
/**
 * Instructions times characters that one decision on a group may take to look at the topics, for all expressions of its
 * members together: some 20 ns each at worst, most of them nothing.
 */
export const PATTERN_LOOK_COST_MAX = 4_000_000;
/** What it costs in the same measure to come to a topic at all, and to compile one instruction. */
export const PATTERN_TOPIC_COST = 8;
export const PATTERN_COMPILE_COST = 100;
/** How often the groups of this broker are surveyed for metrics, and how long it may hold the event loop (L7). */
export const SURVEY_EVERY_MS = 10_000;
export const SURVEY_SLICE_MS_MAX = 4;
/** Of a group's name as a label of metrics. Groups with longer names are counted with the others. */
export const GROUP_LABEL_CHARS_MAX = 256;
/** Different subscriptions of consumer groups that a broker remembers. */
export const SUBSCRIPTIONS_MAX = 1_000;
