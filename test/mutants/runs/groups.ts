// What random runs with the workload "groups" find.
import { runUntilFound } from "./until-found.ts";

runUntilFound("groups");
