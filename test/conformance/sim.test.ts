// The contract of the ports, held against the simulated ones.
import { describeClock } from "./clock.ts";
import { describeDisk } from "./disk.ts";
import { describeEntropy } from "./entropy.ts";
import { describeLogAndMeter } from "./log-meter.ts";
import { openSimStage } from "./stage.ts";
import { describeTasks } from "./tasks.ts";
import { describeWire } from "./wire.ts";

describeClock("simulator", openSimStage);
describeEntropy("simulator", openSimStage);
describeDisk("simulator", openSimStage);
describeWire("simulator", openSimStage);
describeTasks("simulator", openSimStage);
describeLogAndMeter("simulator", openSimStage);
