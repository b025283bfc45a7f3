// What hostile, slow and absent clients meet: closed connections with a reason, bounded memory, and a broker that goes on.
import { describe, expect, test } from "vitest";
import { fromHex } from "../../internal/bytes/hex.ts";
import { Writer } from "../../internal/bytes/writer.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import type { ProduceRequest } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { apiVersions } from "../../internal/kafka/api/18-api-versions.ts";
import { encodeRequest } from "../../internal/kafka/codec/request.ts";
import type { Draft } from "../../internal/schema/message.ts";
import { CALM_NETWORK } from "../sim/world/sim-fabric.ts";
import { batchOf, openFrontStage, RawClient } from "./front-stage.ts";
import type { FrontStage, StageOptions } from "./front-stage.ts";
import { KafkaClient } from "./kafka-client.ts";

const MIB = 1 << 20;

async function withStage(
  options: StageOptions,
  script: (stage: FrontStage) => Promise<void>,
): Promise<void> {
  const stage = await openFrontStage(options);
  stage.cluster.addTopic("orders", 2);
  await stage.play(() => script(stage));
  await stage.play(async () => {
    await stage.server.close();
    await stage.sleepMs(100);
  });
  expect(stage.simulation.fatals).toEqual([]);
  expect([stage.server.connectionCount, stage.log.lent, stage.log.waiting]).toEqual([0, 0, 0]);
  expect(stage.world.meter.value("flotilla_kafka_held_bytes")).toBe(0);
}

function toOrders(text: string, acks = -1, partition = 0): Draft<ProduceRequest> {
  const partitionData = [{ index: partition, records: batchOf([text]) }];
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: "orders", partitionData }],
  };
}

function fetchOrders(fetchOffset: number, waitMs = 0, bytes = 64 * MIB) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: bytes }];
  const topics = [{ topic: "orders", partitions }];
  return { maxWaitMs: waitMs, minBytes: 1, maxBytes: bytes, topics };
}

function metadataFrame(): Uint8Array {
  const header = { apiVersion: 4, correlationId: 9, clientId: "odd" };
  const frame = encodeRequest(new Writer(), metadata, header, { topics: null });
  if (!frame.ok) throw new Error(frame.fault.kind);
  return new Uint8Array(Buffer.concat(frame.value));
}

describe("bytes that are no request close the connection, with a reason", () => {
  const valid = metadataFrame();
  const cases: [string, Uint8Array, string][] = [
    ["a negative size", fromHex("ffffffff 00"), "frame-size"],
    ["a size over the limit", fromHex("7fffffff 00"), "frame-size"],
    ["a TLS ClientHello", fromHex("16030100 f1010000 ed0303"), "tls-on-plaintext"],
    ["an HTTP request", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), "frame-size"],
    ["a short header", fromHex("00000003 000000"), "undecodable"],
    ["an unknown API", fromHex("0000000a 0309 0000 00000001 ffff"), "unknown-api"],
    ["an API without a handler", fromHex("0000000a 004c 0001 00000001 ffff"), "unknown-api"],
    ["Produce 2", fromHex("0000000a 0000 0002 00000001 ffff"), "unsupported-version"],
    ["Fetch 3", fromHex("0000000a 0001 0003 00000001 ffff"), "unsupported-version"],
    ["a body that ends early", fromHex("0000000b 0003 0001 00000001 ffff 00"), "undecodable"],
    [
      "garbage behind a valid request",
      new Uint8Array([...valid, 255, 255, 255, 255]),
      "frame-size",
    ],
  ];
  test.each(cases)("%s", async (_title, bytes, cause) => {
    await withStage({}, async (stage) => {
      const raw = new RawClient(stage);
      raw.send(bytes);
      await raw.closed;
      expect(stage.refusals()).toEqual([cause]);
      const labels = { cause };
      const closed = stage.world.meter.value("flotilla_kafka_connections_closed_total", labels);
      expect(closed).toBe(1);
    });
  });

  test("the log line names the client and what it asked for, and there are few of them", async () => {
    await withStage({}, async (stage) => {
      for (let k = 0; k < 40; k++) {
        const raw = new RawClient(stage);
        raw.send(fromHex("0000000d 0000 0002 00000001 0003 6f6464"));
        await raw.closed;
      }
      const lines = stage.simulation.logs.find("client-refused");
      expect(lines.length).toBe(10);
      expect(lines[0]?.fields).toMatchObject({
        cause: "unsupported-version",
        host: "client",
        apiKey: 0,
        apiVersion: 2,
        clientId: "odd",
      });
      await stage.sleepMs(1500);
      const raw = new RawClient(stage);
      raw.send(fromHex("ffffffff"));
      await raw.closed;
      expect(stage.simulation.logs.find("client-refused").at(-1)?.fields["suppressed"]).toBe(30);
    });
  });
});

describe("a request names so many things and no more, because it is taken up in one turn", () => {
  /** One topic with so many partitions, and a tag that nobody knows, or none, at its end. */
  function bigProduce(count: number, hasTag: boolean): Uint8Array {
    const partitionData = Array.from({ length: count }, (_, index) => ({ index, records: null }));
    const header = { apiVersion: 9, correlationId: 9, clientId: "big" };
    const topicData = [{ name: "orders", partitionData }];
    const body = { transactionalId: null, acks: -1, timeoutMs: 1000, topicData };
    const encoded = encodeRequest(new Writer(), produce, header, body);
    if (!encoded.ok) throw new Error(encoded.fault.kind);
    const plain = Buffer.concat(encoded.value);
    if (!hasTag) return new Uint8Array(plain);
    const frame = Buffer.concat([plain.subarray(0, -1), fromHex("01 7f 00")]);
    frame.writeInt32BE(frame.length - 4);
    return new Uint8Array(frame);
  }

  test.each([false, true])("unknown tags: %s", async (hasTag) => {
    const most = produce.itemsMax - 1;
    await withStage({ kafka: { requestBytesMax: 4 * MIB } }, async (stage) => {
      const patient = new RawClient(stage);
      patient.send(bigProduce(most, hasTag));
      while (patient.received.length < most) await stage.sleepMs(10);
      expect(patient.isOver).toBe(false);
      const greedy = new RawClient(stage);
      greedy.send(bigProduce(most + 1, hasTag));
      await greedy.closed;
      expect(stage.refusals()).toEqual(["undecodable"]);
      patient.connection.destroy();
    });
  });
});

test("requests that take long are taken up in several turns, and are all answered", async () => {
  await withStage({ simulation: { network: CALM_NETWORK } }, async (stage) => {
    const { cluster } = stage;
    const { clock } = stage.world;
    const upMs = clock.upMs.bind(clock);
    let workedMs = 0;
    // Every look at the clock is behind work that took a while.
    clock.upMs = () => upMs() + (workedMs += 2);
    const brokers = cluster.brokers.bind(cluster);
    let asked = 0;
    let askedInFirstTurn = 0;
    cluster.brokers = (listener, withFenced) => {
      asked++;
      if (asked === 1) clock.turnEnd(() => (askedInFirstTurn = asked));
      return brokers(listener, withFenced);
    };
    const count = 60;
    const raw = new RawClient(stage);
    raw.send(new Uint8Array(Buffer.concat(new Array<Uint8Array>(count).fill(metadataFrame()))));
    while (asked < count) await stage.sleepMs(1);
    await stage.sleepMs(10);
    expect(askedInFirstTurn).toBeGreaterThan(0);
    expect(askedInFirstTurn).toBeLessThan(10);
    expect(raw.received.length % count).toBe(0);
    expect(raw.received.length).toBeGreaterThan(0);
    raw.connection.destroy();
  });
});

/** Damages a frame in one of the ways in which bytes get damaged. */
function mutate(frame: Uint8Array, below: (limit: number) => number): Uint8Array {
  const bytes = Uint8Array.from(frame);
  const at = below(bytes.length);
  switch (below(6)) {
    case 0:
      bytes[at] = below(256);
      return bytes;
    case 1:
      bytes[at] = (bytes[at] as number) ^ (1 << below(8));
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      for (let k = at; k < Math.min(bytes.length, at + 4); k++) bytes[k] = 0xff;
      return bytes;
    case 4:
      return new Uint8Array([...bytes.subarray(0, at), below(256), ...bytes.subarray(at)]);
    default:
      // The size is right and the contents are not.
      for (let k = 4; k < bytes.length; k++) if (below(8) === 0) bytes[k] = below(256);
      return bytes;
  }
}

test("twenty thousand damaged frames: the broker answers or hangs up, and serves the next client", async () => {
  await withStage({ log: { commitMs: 0, roomBytes: MIB } }, async (stage) => {
    const entropy = stage.simulation.entropy("fuzz");
    const below = (limit: number): number => entropy.below(limit);
    const frames = seedFrames();
    stage.log.keepsProposals = false;
    let sent = 0;
    let hungUp = 0;
    while (sent < 20_000) {
      const raw = new RawClient(stage);
      for (let k = 0; k < 40 && !raw.isOver; k++) {
        for (let burst = 1 + below(4); burst > 0; burst--, sent++) {
          raw.send(mutate(frames[below(frames.length)] as Uint8Array, below));
        }
        await stage.sleepMs(1);
      }
      if (raw.isOver) hungUp++;
      raw.connection.destroy();
      raw.received.length = 0;
    }
    await stage.sleepMs(2000);
    expect(hungUp).toBeGreaterThan(100);
    expect(stage.server.connectionCount).toBe(0);
    const client = stage.client();
    const answer = await client.request(metadata, 9, { topics: [{ name: "orders" }] });
    expect(answer.topics[0]?.errorCode).toBe(0);
    client.close();
  });
});

function seedFrames(): Uint8Array[] {
  const writer = new Writer();
  const frames: Uint8Array[] = [];
  const add = (one: ReturnType<typeof encodeRequest>): void => {
    if (!one.ok) throw new Error(one.fault.kind);
    frames.push(new Uint8Array(Buffer.concat(one.value)));
  };
  const header = (apiVersion: number) => ({ apiVersion, correlationId: 3, clientId: "fuzz" });
  const session = { sessionId: 0, sessionEpoch: 0 };
  for (const version of [3, 8, 9, 12]) {
    add(encodeRequest(writer, produce, header(version), toOrders("hello", version % 2)));
    add(encodeRequest(writer, fetch, header(version + 4), { ...fetchOrders(0, 5), ...session }));
    add(encodeRequest(writer, metadata, header(version), { topics: [{ name: "orders" }] }));
  }
  for (const version of [0, 3, 4]) {
    const software = { clientSoftwareName: "a", clientSoftwareVersion: "1" };
    add(encodeRequest(writer, apiVersions, header(version), software));
    add(encodeRequest(writer, findCoordinator, header(version), { key: "k" }));
  }
  return frames;
}

describe("connections that nobody uses", () => {
  test("are closed after a while, but not while an answer is awaited", async () => {
    await withStage({ kafka: { idleMsMax: 2_000 } }, async (stage) => {
      const idle = new RawClient(stage);
      const waiting = stage.client();
      const answer = waiting.request(fetch, 12, fetchOrders(0, 5_000));
      await stage.sleepMs(1_900);
      expect(idle.isOver).toBe(false);
      await stage.sleepMs(1_200);
      expect(idle.isOver).toBe(true);
      expect((await answer).errorCode).toBe(0);
      expect(waiting.closeReason).toBeNull();
      await stage.sleepMs(3_500);
      expect(waiting.closeReason).not.toBeNull();
    });
  });

  test("a frame that stays incomplete is given up, one that grows is not", async () => {
    await withStage({ kafka: { requestBytesMax: 16 * MIB } }, async (stage) => {
      const stuck = new RawClient(stage);
      stuck.send(fromHex("00001000 0003 0001"));
      const growing = new RawClient(stage);
      growing.send(fromHex("00800000 0003 0001"));
      for (let second = 0; second < 80; second++) {
        await stage.sleepMs(1_000);
        if (!stuck.isOver) stuck.send(Uint8Array.of(0)); // a byte per second is not progress
        growing.send(new Uint8Array(8 << 10));
      }
      expect([stuck.isOver, growing.isOver]).toEqual([true, false]);
      expect(stage.refusals()).toEqual(["incomplete-frame"]);
    });
  });

  test("more connections than the limit are refused", async () => {
    await withStage({ kafka: { connectionsMax: 3 } }, async (stage) => {
      const first = [1, 2, 3].map(() => new RawClient(stage));
      await stage.sleepMs(50);
      const late = new RawClient(stage);
      await late.closed;
      expect([stage.server.connectionCount, ...stage.refusals()]).toEqual([
        3,
        "too-many-connections",
      ]);
      first[0]?.connection.destroy();
      await stage.sleepMs(50);
      const client = stage.client();
      await client.request(metadata, 9, { topics: [] });
    });
  });
});

describe("a client that sends faster than it is answered", () => {
  test("is not read while too many of its requests are under way", async () => {
    const kafka = { connectionRequestsMax: 10 };
    await withStage({ kafka, log: { commitMs: 50 } }, async (stage) => {
      const client = stage.client();
      const answers = Array.from({ length: 95 }, () => client.request(produce, 9, toOrders("a")));
      await stage.sleepMs(20);
      expect(stage.log.proposed.length).toBe(10);
      await Promise.all(answers);
      expect(stage.log.proposed.length).toBe(95);
    });
  });

  test("is not read while its requests hold too many bytes", async () => {
    const kafka = { connectionBytesMax: 10_000 };
    await withStage({ kafka, log: { commitMs: 50 } }, async (stage) => {
      const client = stage.client();
      const text = "x".repeat(3_000);
      const answers = Array.from({ length: 12 }, () => client.request(produce, 9, toOrders(text)));
      await stage.sleepMs(20);
      expect(stage.log.proposed.length).toBe(4);
      await Promise.all(answers);
    });
  });

  test("all clients together hold no more than the budget, and all get through", async () => {
    const heldBytesMax = 200_000;
    const log = { commitMs: 20 };
    await withStage({ kafka: { heldBytesMax }, log }, async (stage) => {
      const text = "y".repeat(40_000);
      const clients = Array.from({ length: 30 }, () => stage.client());
      let heldMax = 0;
      const answers = clients.flatMap((client) =>
        [1, 2, 3].map(() => client.request(produce, 9, toOrders(text))),
      );
      const done = Promise.all(answers);
      let isDone = false;
      void done.then(() => {
        isDone = true;
      });
      while (!isDone) {
        await stage.sleepMs(0.2);
        const held = stage.world.meter.value("flotilla_kafka_held_bytes") ?? 0;
        heldMax = Math.max(heldMax, held);
      }
      await done;
      // What was on its way when reading stopped still comes: one read of each connection.
      expect(heldMax).toBeGreaterThan(heldBytesMax);
      expect(heldMax).toBeLessThan(heldBytesMax + 30 * (64 << 10));
      expect(stage.log.proposed.length).toBe(90);
    });
  });

  test("halves of frames that fill the budget do not stop the broker", async () => {
    await withStage({ kafka: { heldBytesMax: 100_000 } }, async (stage) => {
      const halves = [1, 2, 3].map(() => {
        const raw = new RawClient(stage);
        raw.send(new Uint8Array([0, 8, 0, 0, ...new Uint8Array(60_000)]));
        return raw;
      });
      await stage.sleepMs(100);
      const client = stage.client();
      const text = "z".repeat(50_000);
      const answer = client.request(produce, 9, toOrders(text));
      await stage.sleepMs(40_000);
      // The halves were given up one after another, which made room for those who finish.
      expect((await answer).responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
      expect(halves.some((raw) => raw.isOver)).toBe(true);
    });
  });

  test("the greedy leave room for others, and are given up when memory stays short", async () => {
    const kafka = { heldBytesMax: 8 * MIB, requestBytesMax: 16 * MIB };
    await withStage({ kafka, log: { roomBytes: 4 * MIB } }, async (stage) => {
      const halves = Array.from({ length: 20 }, () => {
        const raw = new RawClient(stage);
        raw.send(new Uint8Array([0, 0xf0, 0, 0, ...new Uint8Array(MIB)]));
        return raw;
      });
      await stage.sleepMs(200);
      const [modest, large] = [stage.client(), stage.client()];
      let isAnswered = false;
      void modest.request(metadata, 9, { topics: [] }).then(() => {
        isAnswered = true;
      });
      const text = "z".repeat(900_000);
      const answer = large.request(produce, 9, toOrders(text));
      await stage.sleepMs(200);
      expect([isAnswered, halves.some((raw) => raw.isOver)]).toEqual([true, false]);
      await stage.sleepMs(5_000);
      expect((await answer).responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
      expect(new Set(stage.refusals())).toEqual(new Set(["memory-short"]));
      expect(modest.closeReason).toBeNull();
    });
  });

  test("when memory is short the rest of a request waits, nothing overtakes it, nothing is lost", async () => {
    await withStage({ log: { commitMs: 5, roomBytes: 3_000 } }, async (stage) => {
      const clients = [stage.client(), stage.client()];
      const answers = clients.flatMap((client, partition) =>
        Array.from({ length: 40 }, (_, k) => {
          if (k % 10 === 9) return client.request(metadata, 9, { topics: [] }).then(() => -1);
          // A small batch would find room where the large one before it did not.
          const body = toOrders("w".repeat(k % 3 === 0 ? 20 : 1_500), -1, partition);
          return client
            .request(produce, 9, body)
            .then((answer) => answer.responses[0]?.partitionResponses[0]?.baseOffset);
        }),
      );
      const offsets = await Promise.all(answers);
      for (const partition of [0, 1]) {
        const own = offsets.slice(partition * 40, partition * 40 + 40).filter((one) => one !== -1);
        expect(own).toEqual(Array.from({ length: 36 }, (_, k) => k));
      }
    });
  });

  test("a parked request of a client that is gone is forgotten", async () => {
    await withStage({ log: { commitMs: 30, roomBytes: 1_000 } }, async (stage) => {
      const client = stage.client();
      const text = "v".repeat(800);
      for (let k = 0; k < 3; k++) client.request(produce, 9, toOrders(text)).catch(() => {});
      await stage.sleepMs(10);
      stage.simulation.network.resetBetween("broker", "client");
      await stage.sleepMs(200);
      expect(stage.log.proposed.length).toBe(1);
    });
  });
});

describe("a client that reads slowly", () => {
  const network = { ...CALM_NETWORK, windowBytes: 32 << 10 };

  async function fill(stage: FrontStage, batches: number): Promise<void> {
    const client = stage.client();
    const text = "s".repeat(100_000);
    for (let k = 0; k < batches; k++) await client.request(produce, 9, toOrders(text));
    client.close();
  }

  test("is given a window at a time, and everything in the end", async () => {
    await withStage({ simulation: { network } }, async (stage) => {
      await fill(stage, 30);
      const reader = stage.client();
      const answer = reader.request(fetch, 12, fetchOrders(0));
      await stage.sleepMs(20);
      reader.pause();
      await stage.sleepMs(3_000);
      reader.resume();
      const records = (await answer).responses[0]?.partitions[0]?.records;
      expect((records?.end ?? 0) - (records?.start ?? 0)).toBeGreaterThan(3_000_000);
      await stage.sleepMs(20);
      expect(stage.log.lent).toBe(0);
    });
  });

  test("is closed when it takes nothing for ten seconds, and what was lent comes back", async () => {
    await withStage({ simulation: { network } }, async (stage) => {
      await fill(stage, 30);
      const reader = stage.client({ isPaused: true });
      for (let k = 0; k < 5; k++) reader.request(fetch, 12, fetchOrders(0)).catch(() => {});
      await stage.sleepMs(5_000);
      // One fetch at a time: the others have not begun.
      expect([stage.log.lent, stage.log.lentEver]).toEqual([1, 1]);
      expect(stage.server.connectionCount).toBe(1);
      await stage.sleepMs(8_000);
      expect([stage.log.lent, stage.server.connectionCount]).toEqual([0, 0]);
      expect(stage.refusals()).toEqual(["slow-reader"]);
    });
  });
});

describe("the end", () => {
  test("drain answers what is under way and closes in order", async () => {
    await withStage({ log: { commitMs: 100 } }, async (stage) => {
      const idle = new RawClient(stage);
      const client = stage.client();
      const produced = client.request(produce, 9, toOrders("a"));
      const fetched = client.request(fetch, 12, fetchOrders(5, 300));
      await stage.sleepMs(20);
      const drained = stage.server.drain();
      expect(await idle.closed).toBe("ended");
      expect((await produced).responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
      expect((await fetched).responses[0]?.partitions[0]?.errorCode).toBe(1);
      await drained;
      expect(stage.server.connectionCount).toBe(0);
      const late = new KafkaClient(stage.peer, stage.at);
      await expect(late.opened).rejects.toThrow("refused");
    });
  });

  test("drain does not wait for ever", async () => {
    await withStage({}, async (stage) => {
      const client = stage.client();
      const fetched = client.request(fetch, 12, fetchOrders(0, 600_000));
      fetched.catch(() => {});
      await stage.sleepMs(20);
      await stage.server.drain(500);
      await expect(fetched).rejects.toThrow("over");
    });
  });

  test("a bug in a service ends the broker, not the connection alone", async () => {
    const stage = await openFrontStage();
    stage.cluster.topicNames = () => {
      throw new Error("a bug");
    };
    const client = stage.client();
    client.request(metadata, 9, { topics: null }).catch(() => {});
    await stage.play(() => stage.sleepMs(50));
    expect(stage.simulation.fatals.map(({ reason }) => reason)).toEqual(["kafka-front-end"]);
  });
});
