// The contracts of the use cases, held against those of a broker and against the ones in memory.
import { describeClusterService } from "./cluster-service.ts";
import { describeElectionService } from "./election-service.ts";
import { describeGroupService } from "./group-service.ts";
import { describeInspectionService } from "./inspection-service.ts";
import { describeLogService } from "./log-service.ts";
import { openBrokerStage, openMemoryStage } from "./service-stages.ts";

for (const describeService of [
  describeLogService,
  describeClusterService,
  describeGroupService,
  describeElectionService,
  describeInspectionService,
]) {
  describeService("a broker", openBrokerStage);
  describeService("tests", openMemoryStage);
}
