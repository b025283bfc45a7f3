// What random runs with the workload "kafka" find.
import { runUntilFound } from "./until-found.ts";

runUntilFound("kafka");
