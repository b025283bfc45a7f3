// What random runs with the workload "service" find.
import { runUntilFound } from "./until-found.ts";

runUntilFound("service");
