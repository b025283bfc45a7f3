// The journal on the simulated disk.
import { describeJournal } from "./journal.ts";
import { openSimStage } from "./stage.ts";

describeJournal("simulator", openSimStage);
