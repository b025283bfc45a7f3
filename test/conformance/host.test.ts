// The contract of the ports, held against the real ones.
import { describeClock } from "./clock.ts";
import { describeDisk } from "./disk.ts";
import { describeEntropy } from "./entropy.ts";
import { describeLogAndMeter } from "./log-meter.ts";
import { openHostStage } from "./stage.ts";
import { describeTasks } from "./tasks.ts";
import { describeWire } from "./wire.ts";

describeClock("host", openHostStage);
describeEntropy("host", openHostStage);
describeDisk("host", openHostStage);
describeWire("host", openHostStage);
describeTasks("host", openHostStage);
describeLogAndMeter("host", openHostStage);
