// What a group of machines does: test/golden/raft/*.txt.
import { Transcript } from "./raft-transcript.ts";
import { playTranscripts } from "./transcripts.ts";

playTranscripts("raft", () => new Transcript());
