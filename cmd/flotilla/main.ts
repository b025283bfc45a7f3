#!/usr/bin/env node
// The program `flotilla`: the command line of the broker, of local clusters and of a client.
import { runProgram } from "./program.ts";
import { ProcessTerminal } from "./terminal.ts";

const exitCode = await runProgram(process.argv.slice(2), new ProcessTerminal());
process.exitCode = exitCode;
if (process.connected) process.disconnect?.();
