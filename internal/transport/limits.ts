// Sizes that are part of the link format or bound what one link may hold. Times and per-lane
// limits that an operator may change are in LinkOptions.

/** Longest body of one frame. A longer one ends the session. */
export const FRAME_BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Longest body of a frame before the handshake is over: a hello with its founding state. */
export const HANDSHAKE_BODY_BYTES_MAX = 8 * 1024;
/** Longest founding state (opaque bytes of the cluster layer). */
export const FOUNDING_STATE_BYTES_MAX = 4 * 1024;
/** Longest host name in a hello. */
export const HOST_BYTES_MAX = 255;
/** Message types below this one belong to the links themselves. */
export const MESSAGE_TYPE_FIRST = 16;
/** Message types are one byte. */
export const MESSAGE_TYPE_LAST = 255;
/** Control bytes kept free for the links' own messages (pings) beyond `controlBytesMax`. */
export const CONTROL_RESERVE_BYTES = 8 * 1024;
/** Brokers that are not configured peers and were met on the listener or through a knock. */
export const GUESTS_MAX = 64;
