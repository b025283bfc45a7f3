// What one HTTP server may take, whatever its clients do. Its requests have no bodies, so these are small.
export interface HttpLimits {
  readonly connectionsMax: number;
  /** The request line and all headers. */
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** From the first byte of a request to its last; a client that trickles is cut off. */
  readonly requestMsMax: number;
  /** How long an idle connection stays. */
  readonly idleMsMax: number;
  /** How long a client may take no bytes of an answer. */
  readonly stalledMsMax: number;
  /** A delay of the event loop from which on `/healthz` says that the broker does not respond. */
  readonly loopDelayMsMax: number;
}

export const HTTP_LIMITS: HttpLimits = {
  connectionsMax: 128,
  headerBytesMax: 8 * 1024,
  headersMax: 64,
  requestMsMax: 5_000,
  idleMsMax: 30_000,
  stalledMsMax: 10_000,
  loopDelayMsMax: 1_000,
};
