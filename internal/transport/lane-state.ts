// One lane of one session: what waits to leave, the connection it leaves on, and who is told when
// it drained. A bulk lane has no connection until it is first used; what is queued until then waits
// here.
import type { Lane } from "./contract.ts";
import type { Channel } from "./channel.ts";
import type { Flushable } from "./flusher.ts";
import { Outbox } from "./outbox.ts";
import type { LaneProbe } from "./probe.ts";

export class LaneState implements Flushable {
  readonly lane: Lane;
  readonly outbox = new Outbox();
  dirty = false;
  channel: Channel | null;
  onDrained: (() => void) | null = null;
  /** Delivery is stopped on purpose. */
  paused = false;
  /**
   * What the peer said it received at its last ping that showed progress, and pings without any
   * since.
   */
  progressBytes = 0;
  stalledPings = 0;
  readonly #probe: LaneProbe;

  constructor(lane: Lane, channel: Channel | null, probe: LaneProbe) {
    this.lane = lane;
    this.channel = channel;
    this.#probe = probe;
  }

  get bufferedBytes(): number {
    return this.outbox.queuedBytes + (this.channel?.bufferedBytes ?? 0);
  }

  flush(): void {
    const channel = this.channel;
    if (channel === null || channel.over || this.outbox.queuedBytes === 0) return;
    this.#probe.sentBytes.add(this.outbox.queuedBytes);
    this.#probe.sentFrames.add(this.outbox.takeFrameCount());
    channel.send(this.outbox);
    this.drainedMaybe();
  }

  /** Tells that the lane is empty, when it is. */
  drainedMaybe(): void {
    if (this.onDrained !== null && this.bufferedBytes === 0) this.onDrained();
  }

  /**
   * Compares what the peer received with what was sent, once per ping. Answers for how many pings
   * in a row the peer, though it reads this lane, received nothing of what is under way.
   */
  pingsWithoutProgress(receivedBytes: number, peerPaused: boolean): number {
    const sentBytes = this.channel?.sentBytes ?? 0;
    if (peerPaused || receivedBytes !== this.progressBytes || receivedBytes >= sentBytes) {
      this.progressBytes = receivedBytes;
      this.stalledPings = 0;
    } else {
      this.stalledPings++;
    }
    return this.stalledPings;
  }

  /** Ends the connection and gives every queued part back. */
  close(): void {
    this.onDrained = null;
    this.channel?.close();
    this.outbox.drop();
  }
}
