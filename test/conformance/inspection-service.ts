// The contract of looking into a broker, as front ends rely on it.
import { beforeEach, describe, expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { InspectionService } from "../../internal/service/inspection-service.ts";
import { PARTITIONS } from "./service-stages.ts";
import type { ServiceStage } from "./service-stages.ts";

const SETTLED_MS = 200;
const T = { name: "t", topicId: null, partition: 0 };

export function describeInspectionService(name: string, open: () => Promise<ServiceStage>): void {
  describe(`inspection service of ${name}`, () => {
    let stage: ServiceStage;
    let inspection: InspectionService;

    beforeEach(async () => {
      stage = await open();
      ({ inspection } = stage);
    });

    test("a replica takes what was appended to it", async () => {
      const bytes = encodeBatch([{ key: null, value: new Uint8Array(1_000), timestampMs: 5 }]);
      const batch = { bytes, start: 0, end: bytes.length };
      const before = inspection.storedReplica("t", 0)?.bytes ?? -1;
      const request = { ...T, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true };
      stage.log.append(request, () => {});
      await stage.runForMs(SETTLED_MS);
      const after = inspection.storedReplica("t", 0);
      expect(after).toMatchObject({ topic: "t", partition: 0, offsetLag: 0 });
      expect((after?.bytes ?? 0) - before).toBe(bytes.length);
      expect(inspection.storedReplica("t", 1)?.bytes).toBe(before);
    });

    test("replicas that are here are listed, of one topic or of all", () => {
      const listed = [...inspection.storedReplicas("t")];
      expect(listed.map(({ topic, partition }) => `${topic} ${partition}`)).toEqual(["t 0", "t 1"]);
      expect([...inspection.storedReplicas(null)]).toEqual(expect.arrayContaining(listed));
      expect([...inspection.storedReplicas("nobody")]).toEqual([]);
      expect(inspection.storedReplica("t", PARTITIONS)).toBe(null);
      expect(inspection.storedReplica("nobody", 0)).toBe(null);
    });

    test("a partition's quorum is that of its leader", async () => {
      const { broker } = stage.cluster;
      const found = inspection.partitionQuorum(T);
      expect(found).toMatchObject({ ok: true, value: { leader: broker, highWatermark: 0 } });
      if (found.ok) expect(found.value.voters).toMatchObject([{ broker, logEnd: 0 }]);
      const unknown = inspection.partitionQuorum({ ...T, partition: PARTITIONS });
      expect(unknown).toMatchObject({ ok: false, fault: { kind: "unknown-partition" } });
      const nobody = inspection.producers({ ...T, name: "nobody" });
      expect(nobody).toMatchObject({ ok: false, fault: { kind: "unknown-topic" } });
      const producers = inspection.producers(T);
      expect(producers.ok && [...producers.value]).toEqual([]);
      const controller = await stage.settle(inspection.controllerQuorum(1_000));
      expect(controller).toMatchObject({ ok: true, value: { leader: broker } });
      if (controller.ok) expect(controller.value.voters.map((one) => one.broker)).toContain(broker);
    });

    test("the directory has a path, and room that can be used of all that it has", async () => {
      const { path, space } = await stage.settle(inspection.directory());
      expect(path).not.toBe("");
      expect(space === null || space.usableBytes <= space.totalBytes).toBe(true);
    });
  });
}
