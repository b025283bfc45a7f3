// Writes docs/adr/README.md, the index of the decision records.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { decisionIndex, readDecisionRecords } from "./decision-records.ts";

const folder = join(import.meta.dirname, "..", "docs", "adr");
writeFileSync(join(folder, "README.md"), decisionIndex(readDecisionRecords(folder).records));
