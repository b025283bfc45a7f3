// The journal on a real disk.
import { describeJournal } from "./journal.ts";
import { openHostStage } from "./stage.ts";

describeJournal("host", openHostStage);
