// The native API through the library that Node programs use: @grpc/grpc-js, with the .proto files of this project.
import { credentials, loadPackageDefinition } from "@grpc/grpc-js";
import type { ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { join } from "node:path";
import type { Client, Surroundings } from "../client.ts";
import { numbered, same } from "../expect.ts";
import { packageVersion } from "../package-version.ts";
import { isGone, storedInOrder } from "../stored.ts";

const PROTO = join(import.meta.dirname, "..", "..", "..", "proto");
const CHUNK = 500;
const MESSAGES_MAX = 10_000;

type Answer<T> = (error: ServiceError | null, answer: T) => void;

interface LogClient {
  append(request: object, answer: Answer<{ base_offset: string; end_offset: string }>): void;
  tail(request: object): ClientReadableStream<{ records: { offset: string; value: Buffer }[] }>;
  close(): void;
}

interface AdminClient {
  createTopic(request: object, answer: Answer<{ partitions: number }>): void;
  describeTopic(request: object, answer: Answer<{ partitions: { leader?: number }[] }>): void;
  deleteTopic(request: object, answer: Answer<object>): void;
  close(): void;
}

type Constructor<T> = new (
  address: string,
  security: ReturnType<typeof credentials.createInsecure>,
) => T;

export const grpc: Client = {
  name: "@grpc/grpc-js",
  source: "npm package @grpc/grpc-js",
  isSlow: false,
  async reach(around) {
    const options = { keepCase: true, longs: String, defaults: true, includeDirs: [PROTO] };
    const loaded = loadSync(["flotilla/v1/log.proto", "flotilla/v1/admin.proto"], options);
    const { flotilla } = loadPackageDefinition(loaded) as unknown as {
      flotilla: { v1: { Log: Constructor<LogClient>; Admin: Constructor<AdminClient> } };
    };
    const security = credentials.createInsecure();
    const logs = new Map(
      [...around.grpc].map(([id, at]) => [id, new flotilla.v1.Log(at, security)]),
    );
    const admin = new flotilla.v1.Admin([...around.grpc.values()][0] ?? "", security);
    return {
      version: packageVersion("@grpc/grpc-js"),
      checks: [
        administration(admin, around),
        appendAndTail(admin, logs, around),
        conditional(admin, logs),
      ],
      close: async () => {
        admin.close();
        for (const log of logs.values()) log.close();
      },
    };
  },
};

function call<T>(start: (answer: Answer<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

async function leaderOf(admin: AdminClient, logs: ReadonlyMap<number, LogClient>, name: string) {
  const topic = await call<{ partitions: { leader?: number }[] }>((answer) =>
    admin.describeTopic({ name }, answer),
  );
  const log = logs.get(topic.partitions[0]?.leader ?? -1);
  if (log === undefined) throw new Error(`${name} has no leader`);
  return log;
}

function administration(admin: AdminClient, around: Surroundings) {
  return {
    does: "creates, describes and deletes a topic",
    run: async () => {
      const name = "grpc-admin";
      const request = { name, partitions: 2, replication_factor: 3 };
      const created = await call<{ partitions: number }>((done) =>
        admin.createTopic(request, done),
      );
      same("partitions", created.partitions, 2);
      await leaderOf(admin, new Map([1, 2, 3].map((id) => [id, {} as LogClient])), name);
      await call((done) => admin.deleteTopic({ name }, done));
      await isGone(around, name);
    },
  };
}

function appendAndTail(
  admin: AdminClient,
  logs: ReadonlyMap<number, LogClient>,
  around: Surroundings,
) {
  const sent = numbered(Math.min(around.records, MESSAGES_MAX));
  return {
    does: `appends and tails ${sent.length.toLocaleString("en")} records`,
    run: async () => {
      const topic = "grpc-many";
      const request = { name: topic, partitions: 1, replication_factor: 3 };
      await call((done) => admin.createTopic(request, done));
      const log = await leaderOf(admin, logs, topic);
      for (let at = 0; at < sent.length; at += CHUNK) {
        const records = sent.slice(at, at + CHUNK).map((value) => ({ value: Buffer.from(value) }));
        const { base_offset: offset } = await call<{ base_offset: string }>((done) =>
          log.append({ topic, partition: 0, records }, done),
        );
        same("the offset of an append", Number(offset), at);
      }
      const seen: string[] = [];
      for await (const { records } of log.tail({
        topic,
        partition: 0,
        earliest: true,
        stop_at_end: true,
      })) {
        for (const { value } of records as { value: Buffer }[]) seen.push(value.toString());
      }
      same("values", seen, sent);
      await storedInOrder(around, topic, sent);
    },
  };
}

function conditional(admin: AdminClient, logs: ReadonlyMap<number, LogClient>) {
  return {
    does: "appends only where the log ends, and is told where it ends otherwise",
    run: async () => {
      const topic = "grpc-conditional";
      const request = { name: topic, partitions: 1, replication_factor: 3 };
      await call((done) => admin.createTopic(request, done));
      const log = await leaderOf(admin, logs, topic);
      const append = (end: number) =>
        call((done: Answer<{ end_offset: string }>) =>
          log.append(
            {
              topic,
              partition: 0,
              records: [{ value: Buffer.from("x") }],
              expected_end_offset: end,
            },
            done,
          ),
        );
      same("the end after it", Number((await append(0)).end_offset), 1);
      const refused = await append(0).catch((error: ServiceError) => error.metadata);
      const told = (refused as Metadata).get("flotilla-end-offset");
      same("what the refusal tells", told, ["1"]);
    },
  };
}
